"""The command line.

Start-up is most of what a plan of a small project takes, so what a run may not need (the proof, the
report, writing, factoring) is imported where it is first needed. For the same reason values are
msgspec structs: such a class is made in 7 µs, a frozen dataclass with slots in 300. Dataclasses are
the options of transforms, which describe themselves, and some of which a field is left out of
``repr`` or comparison.
"""
