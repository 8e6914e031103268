"""What comes as a cursor is one of ours or refused."""

from base64 import urlsafe_b64encode

import pytest

from service_base.errors import BadInput
from service_base.pagination import cursor_of, value_in


def test_a_cursor_holds_the_value_it_was_made_of():
    assert value_in(cursor_of(17)) == "17"


@pytest.mark.parametrize("text", [b"[" * 3000, b"{", b"\xff", b""])
def test_a_cursor_that_is_none_of_ours_is_refused(text):
    with pytest.raises(BadInput):
        value_in(urlsafe_b64encode(text).decode())


def test_a_cursor_of_other_signs_is_refused():
    with pytest.raises(BadInput):
        value_in("\u00fc")
