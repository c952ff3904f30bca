"""Compatibility of two versions of a schema: what one writes, can the other read it?

Each language has a module of rules over plain values; :mod:`check` applies them to the pairs that a mode asks for.
"""
