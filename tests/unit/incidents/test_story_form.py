"""Stories as Markdown: what is written is read back, and what people write is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.incidents.stories.form import clean, normal, read, write
from startrail.model.story import PRINCIPLES, Written

_LINES = (
    "**Situation**|**Task:** x|__Result__: y|## Action|# Title|#|## |---|- **Result**|\\|\\# a|```|```sh|~~~~|Result: 5",
    "Principles: ownership|**Principles**: x|    # code|\\\\**Task**|* * *|text||  **S. Situation.**|C#|a \\#",
)
_MEANING = st.sampled_from([line for lines in _LINES for line in lines.split("|")])
_TEXT = st.lists(st.one_of(_MEANING, st.text(max_size=12)), max_size=8).map("\n".join)
_STORIES = st.lists(
    st.builds(
        Written, title=st.one_of(_MEANING, st.text(max_size=20), st.sampled_from(["Situation", "**Task**", "\\Result"])),
        situation=_TEXT, task=_TEXT, action=_TEXT, result=_TEXT, about=_TEXT,
        principles=st.lists(st.sampled_from(PRINCIPLES), max_size=3).map(tuple),
    ).map(normal), min_size=1, max_size=3,
)  # fmt: skip


@given(_STORIES)
def test_what_is_written_is_read_back_as_it_was_and_written_the_same_again(stories: list[Written]) -> None:
    text = write(stories)
    assert read(text) == stories
    assert write(read(text)) == text


@given(st.one_of(st.text(max_size=300), _TEXT))
def test_any_text_is_read_without_a_complaint_and_what_was_read_stays(text: str) -> None:
    found = read(text)
    kept = [normal(story) for story in found]
    assert kept == found
    if kept:
        assert read(write(kept)) == kept


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


_FORMS = (
    "**{}**\n|**{}:** |**{}**: |__{}__\n|## {}\n|### {}:\n|#### **{}**\n|## **{}:**\n|- **{}:** |1. **{}** |{}: |** {} **\n",
    "**{}.** |**{}s**\n",
)


@pytest.mark.parametrize("mark", [form for forms in _FORMS for form in forms.split("|")])
def test_the_common_forms_are_understood(mark: str) -> None:
    parts = ("Situation", "Task", "Action", "Result")
    text = "# The night of the tills\r\n\r\n" + "".join(mark.format(part) + f"of the {part}\n\n" for part in parts)
    [story] = read(text.replace("\n", "\r\n"))
    assert story.title == "The night of the tills"
    assert [story.part(part.lower()) for part in parts] == [f"of the {part}" for part in parts]


SEVERAL = """\
# My stories

## One
Principles: Dive Deep; ownership

**situation** it broke
**Task** mend it
**Action**

```sh
# restart everything
systemctl restart tills
```

# a comment on it
**Result** 3 minutes

---

## Two

**Situation:** again
**Result:** fine
"""


def test_several_stories_in_one_file_keep_their_headings_and_code() -> None:
    one, two = read(SEVERAL)
    assert (one.title, one.about) == ("One", "")
    assert one.principles == ("dive deep", "ownership")
    assert "# restart everything" in one.action
    assert one.action.endswith("# a comment on it")
    assert one.result == "3 minutes"
    assert two == Written("Two", situation="again", result="fine")


def test_a_part_that_comes_again_begins_another_story() -> None:
    assert [story.situation for story in read("**Situation** a\n**Situation** b\n")] == ["a", "b"]


def test_text_without_parts_is_no_story() -> None:
    assert read("# A day\n\nIt rained. In this situation: nothing.\n") == []


def test_hidden_letters_and_escapes_are_gone() -> None:
    [story] = read("# a\x1b[31mb\u202e\n**Situation** c\x07d\u200b\n")
    assert (story.title, story.situation) == ("a[31mb", "cd")


def test_a_file_of_nothing_but_open_fences_is_read_quickly() -> None:
    assert read("```a\n" * 100_000 + "~~~\n" * 3 + "**Result** 1\n")[0].result == "1"
