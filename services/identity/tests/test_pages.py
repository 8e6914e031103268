"""Identity's pages, as a browser without JavaScript sees them."""

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from service_base.addresses import url_of

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough sentence"


async def signed_in(person, name="ada"):
    user = await sync_to_async(person)(name)
    client = AsyncClient()
    await client.post("/sign-in", {"email": user.email, "password": PASSWORD})
    return client


async def test_signing_in_leads_back_to_where_one_came_from(person, signing_key):
    user = await sync_to_async(person)("ada")
    target = f"{url_of('billing')}/statement?kind=training"
    answer = await AsyncClient().post("/sign-in", {"email": user.email, "password": PASSWORD, "next": target})
    assert answer["location"] == target
    assert answer.cookies["titan_access"]["httponly"]


async def test_signing_in_never_leads_to_somebody_elses_site(person, signing_key):
    user = await sync_to_async(person)("ada")
    body = {"email": user.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert (await AsyncClient().post("/sign-in", body))["location"].startswith(url_of("ml"))


async def test_a_wrong_password_keeps_the_input_and_says_what_to_do(person, signing_key):
    await sync_to_async(person)("ada")
    answer = await AsyncClient().post("/sign-in", {"email": "ada@example.org", "password": "wrong"})
    assert answer.status_code == 401
    assert b'value="ada@example.org"' in answer.content
    assert b"Check both" in answer.content


async def test_the_account_page_needs_a_sign_in():
    answer = await AsyncClient().get("/")
    assert answer.status_code == 302
    assert answer["location"].startswith(f"{url_of('identity')}/continue?next=")


async def test_the_account_page_shows_balances_keys_and_history(person, signing_key):
    page = (await (await signed_in(person)).get("/")).content.decode()
    assert "Ada Example" in page
    assert "Session opened" in page


async def test_a_key_is_shown_once(person, signing_key):
    client = await signed_in(person)
    page = (await client.post("/keys", {"name": "bot", "scopes": ["ml:solve"]})).content.decode()
    assert "tk_" in page
    assert "tk_" not in (await client.get("/")).content.decode()


async def test_pages_forbid_inline_scripts_and_foreign_hosts(person, signing_key):
    answer = await AsyncClient().get("/sign-in")
    policy = answer["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in answer.content.decode()
    assert "style=" not in answer.content.decode()


async def test_an_invitation_is_not_accepted_by_merely_opening_the_link(person, signing_key):
    client = await signed_in(person)
    answer = await client.get("/invitations/sometoken")
    assert b"Join a team" in answer.content
