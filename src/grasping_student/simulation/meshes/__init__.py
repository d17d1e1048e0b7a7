"""Items from the meshes of a user's folder."""
