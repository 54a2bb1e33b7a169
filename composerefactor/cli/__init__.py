"""The command line.

A command is imported when it is called, and within one only what is slow to import and seldom
needed is imported where it is used. Values are
msgspec structs: such a class is made in 7 µs, a frozen dataclass with slots in 300. Dataclasses are
the options of transforms, which describe themselves, and some of which a field is left out of
``repr`` or comparison.
"""
