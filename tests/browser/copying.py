"""What a button copies that says for a moment that it did."""

from __future__ import annotations

from playwright.async_api import Locator

from tests.browser.glass import until

NOTE_WORDS = """(button) => {
    button.said = [];
    const note = () => button.said.push(button.textContent);
    new MutationObserver(note).observe(button, { childList: true, characterData: true, subtree: true });
}"""


async def copied(button: Locator) -> str:
    """Press a button; return what is in the clipboard once it has said that it was copied.

    It says so for a second and a half, which may pass between two looks.
    """
    await button.evaluate(NOTE_WORDS)
    await button.click()
    await until(lambda: button.evaluate("({ said }) => said.includes('Copied')"))
    return str(await button.page.evaluate("navigator.clipboard.readText()"))
