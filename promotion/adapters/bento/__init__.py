"""The Bento model store on disk.

Labels and files are read without BentoML, which takes a second to import and whose `list` fails for every model when
one version is torn. BentoML itself saves and loads. Whatever lies in the store, reads end in a sentence: they follow no
pipe, read no endless file, and write through no link.
"""

from promotion.adapters.bento.digest_cache import digest_cached as digest_cached
from promotion.adapters.bento.store import BentoStore as BentoStore
