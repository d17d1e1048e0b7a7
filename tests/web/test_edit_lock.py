"""One tab writes at a time."""

from grasping_student.web.edit_lock import Hold, browser_name


def hold_at(now=1000.0):
    return Hold(clock=lambda: now)


def test_the_first_tab_writes_and_the_second_is_told_who():
    hold = hold_at()
    assert hold.take("one", "127.0.0.1", "Firefox") and not hold.take("two", "10.0.0.7", "Edge")
    assert hold.held_by("one") and not hold.held_by("two")
    assert str(hold.holder).startswith("Firefox at 127.0.0.1, since ")


def test_a_tab_that_lost_its_connection_keeps_the_hold_until_another_wants_it():
    hold = hold_at()
    hold.take("one", "a", "Firefox")
    hold.connection_lost("one")
    assert hold.held_by("one") and not hold.holder.connected
    assert hold.take("one", "a", "Firefox") and hold.holder.connected
    hold.connection_lost("one")
    assert hold.take("two", "b", "Edge")
    assert not hold.take("one", "a", "Firefox"), "back too late"


def test_taking_over_by_force_and_giving_back():
    hold = hold_at()
    hold.take("one", "a", "Firefox")
    assert hold.take("two", "b", "Edge", force=True) and hold.held_by("two")
    hold.release("one")
    assert hold.held_by("two")
    hold.release("two")
    assert hold.holder is None and hold.take("one", "a", "Firefox")


def test_browsers_have_names():
    assert browser_name("Mozilla/5.0 (X11) Gecko/20100101 Firefox/128.0") == "Firefox"
    assert browser_name("Mozilla/5.0 AppleWebKit/537.36 Chrome/126 Safari/537.36") == "Chromium"
    assert browser_name("curl/8") == "a browser"
