"""The Bento model store on disk.

This library reads labels and files without BentoML: BentoML takes a second to import, and its `list` fails for every
model if one version is torn. BentoML itself saves and loads models. Reads are safe for any content of the store: they
do not wait on pipes or read endless files, never write through links, and report errors as sentences.
"""

from promotion.adapters.bento.digest_cache import digest_cached
from promotion.adapters.bento.framework import as_loaded
from promotion.adapters.bento.store import BentoStore
