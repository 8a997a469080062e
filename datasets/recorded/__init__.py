"""Recordings of one's own: found, checked, and cut into episodes.

`folders` and `steps` find recordings, `survey` looks at one of them and
`faults` at its arrays, `examination` at all, `alignment` at which frame an
action belongs to; `canonical` puts it there, `division` makes splits, and
`windows` gives random access.
"""
