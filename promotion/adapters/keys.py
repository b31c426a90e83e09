"""Ed25519 keys: the private key signs ledger entries, and public keys verify their signatures.

A signature is `ed25519:KEY ID:BASE64`, over the 64 hexadecimal digits of the entry's hash; the key id is the first 16
hexadecimal digits of SHA-256 of the raw public key. No error or repr of this module contains key material.
"""

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SCHEME = "ed25519"
_KEY = "signing key (`signing_key` in the configuration, or PROMOTION_SIGNING_KEY)"


class Signer:
    """Signs with the private key of a PEM file or text, which is read on first use.

    Args:
        source: path of the file, or its text.
        root: the folder that a relative path is resolved against.
        public_keys: the public keys that must include the key's own; None if there are none.
        notice: called with a warning if others may read the file.
    """

    def __init__(
        self, source: str, root: Path, *, public_keys: "PublicKeys | None", notice: Callable[[str], None]
    ) -> None:
        self._source, self._root, self._public_keys, self._notice = source, root, public_keys, notice

    def __call__(self, entry_hash: str) -> str:
        """Return the signature of an entry's hash."""
        raw = _raw(self._key.public_key())
        signature = _written(_key_id(raw), self._key.sign(entry_hash.encode()))
        if self._public_keys and self._public_keys.claimed(signature) is None:
            public = base64.b64encode(raw).decode()
            message = (
                f"[public_keys] must contain the public key of the {_KEY}, or the audit rejects its signatures. Add: "
                f'NAME = "{public}"'
            )
            raise ConfigError(message, key="public_keys")
        return signature

    @cached_property
    def _key(self) -> "Ed25519PrivateKey":
        if "-----BEGIN" in self._source:
            return _private_key(self._source.replace("\\n", "\n").encode())  # many CI systems store secrets on one line
        path = self._root / Path(self._source).expanduser()
        return _private_key(_read(path, self._notice))


class PublicKeys:
    """The `Keyring` of the configuration.

    Args:
        keys: name to raw public key, in base64.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        named = ((name, base64.b64decode(key)) for name, key in keys.items())
        self._by_id = {_key_id(raw): (name, raw) for name, raw in named}

    def claimed(self, signature: str) -> str | None:
        """Return the name of the key that a signature claims; None if it is not one of these keys."""
        name, _ = self._by_id.get(_claimed(signature), (None, b""))
        return name

    def vouches(self, entry_hash: str, signature: str) -> bool:
        """Return whether the signature is of this hash and by the key that it claims."""
        from cryptography.exceptions import InvalidSignature

        key_id = _claimed(signature)
        try:
            _, raw = self._by_id[key_id]
            made = base64.b64decode(signature.rpartition(":")[2], validate=True)
            _public_key(raw).verify(made, entry_hash.encode())
        except (KeyError, ValueError, InvalidSignature):
            return False
        return signature == _written(key_id, made)  # base64 has spare bits, but each signature must have a single text


def write_new_key(path: Path) -> str:
    """Create a key pair: write the private key to a new file that only its owner may read; return the public key.

    Raises:
        ConfigError: the file already exists, or cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except FileExistsError:
        raise ConfigError(f"{path} already exists and was not changed. Name a new file.", path=path) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}).", path=path) from error
    return base64.b64encode(_raw(key.public_key())).decode()


def key_id(public_key: str) -> str:
    """Return the id by which signatures refer to a public key, which is given in base64."""
    return _key_id(base64.b64decode(public_key))


def _read(path: Path, notice: Callable[[str], None]) -> bytes:
    """Read the key file; errors do not name it, because the configured path may be the key itself."""
    try:
        if not path.is_file():
            message = f"The file of the {_KEY} does not exist. Run `promotion key FILE` to create one."
            raise ConfigError(message, key="signing_key")
        if path.stat().st_mode & stat.S_IROTH:
            notice("Everyone on this machine can read the signing key. Run `chmod 600` on its file.")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"The file of the {_KEY} cannot be read ({error.strerror}).", key="signing_key") from None


def _private_key(pem: bytes) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    expected = f"The {_KEY} must be an Ed25519 private key as PEM (PKCS 8), as `promotion key FILE` writes it"
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ConfigError(f"{expected}, but has a password. Write it without one.", key="signing_key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{expected}, but is something else.", key="signing_key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{expected}, but is a key of another kind.", key="signing_key")
    return key


def _public_key(raw: bytes) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


def _raw(key: "Ed25519PublicKey") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _key_id(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def _claimed(signature: str) -> str:
    """Return the key id in a signature; empty if the signature has another format."""
    scheme, _, rest = signature.partition(":")
    return rest.partition(":")[0] if scheme == _SCHEME else ""


def _written(key_id: str, signature: bytes) -> str:
    return f"{_SCHEME}:{key_id}:{base64.b64encode(signature).decode()}"
