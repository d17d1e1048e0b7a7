"""What chooses a grasp."""
