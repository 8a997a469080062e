"""What the speed program measures, one part of the system per file.

`kills` and `long_sequences` are trials, with commands of their own.
"""
