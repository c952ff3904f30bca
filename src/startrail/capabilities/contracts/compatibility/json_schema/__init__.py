"""JSON Schema, drafts 4 to 2020-12: is every instance of one schema an instance of another?

Sound, never complete: what is not proven is reported. The parts, bottom to top: ``documents`` (texts, references,
drafts), ``assertions`` (keywords of all drafts in one form), ``evaluate`` (one value against one schema), ``world``
(all that is known about the written instances at one place), ``prove`` and its helpers (a world within a schema),
``language`` (the door).
"""
