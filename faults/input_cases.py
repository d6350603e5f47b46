from collections.abc import Iterator
def made(): return iter([])
def corpora(): return iter([])
