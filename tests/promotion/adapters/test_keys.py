import base64
import hashlib
import json
import os
import re
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from situation import kinds, settings_at, toy

from promotion.adapters.keys import PublicKeys, Signer, key_id, write_new_key
from promotion.assembly import open_registry
from promotion.cli import run
from promotion.config import Config, load_config
from promotion.errors import ConfigError
from promotion.registry.gate import plan_gate
from promotion.secrets import without_password

HASH = hashlib.sha256(b"an entry").hexdigest()


@pytest.fixture
def public():
    """The public half of `ci.pem`."""
    from pathlib import Path

    return write_new_key(Path("ci.pem"))


@pytest.fixture
def signer(public, tmp_path):
    return signer_of("ci.pem", tmp_path)


def signer_of(source, root, public_keys=None):
    notices = []
    signer = Signer(str(source), root, public_keys=public_keys, notice=notices.append)
    signer.notices = notices
    return signer


class TestSignatures:
    def test_are_as_their_format_says_and_verify_with_another_program(self, signer, public, tmp_path):
        signature = signer(HASH)
        scheme, named, text = signature.split(":")
        raw = base64.b64decode(public)
        assert (scheme, named) == ("ed25519", hashlib.sha256(raw).hexdigest()[:16])
        assert named == key_id(public)
        der = bytes.fromhex("302a300506032b6570032100") + raw  # RFC 8410
        (tmp_path / "public.der").write_bytes(der)
        (tmp_path / "signature").write_bytes(base64.b64decode(text))
        (tmp_path / "hash").write_text(HASH)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey public.der -rawin -in hash -sigfile signature"
        done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
        assert "Signature Verified Successfully" in done.stdout

    def test_vouch_for_their_hash_and_no_other(self, signer, public):
        keys = PublicKeys({"ci": public})
        signature = signer(HASH)
        assert keys.claimed(signature) == "ci"
        assert keys.vouches(HASH, signature)
        assert not keys.vouches(HASH.replace(HASH[0], "0" if HASH[0] != "0" else "1"), signature)
        assert not keys.vouches(HASH.upper(), signature)

    def test_every_change_of_a_single_byte_is_found(self, signer, public):
        keys, signature = PublicKeys({"ci": public}), signer(HASH)
        for place, letter in enumerate(signature):
            for other in range(128):
                if chr(other) != letter:
                    changed = signature[:place] + chr(other) + signature[place + 1 :]
                    assert not keys.vouches(HASH, changed), changed

    def test_of_other_keys_vouch_for_nothing(self, signer, public, tmp_path):
        other = write_new_key(tmp_path / "other.pem")
        both, ours, theirs = (PublicKeys(keys) for keys in ({"ci": public, "x": other}, {"ci": public}, {"x": other}))
        signature = signer_of("other.pem", tmp_path)(HASH)
        assert (ours.claimed(signature), theirs.claimed(signature), both.claimed(signature)) == (None, "x", "x")
        assert (ours.vouches(HASH, signature), theirs.vouches(HASH, signature)) == (False, True)
        renamed = signature.replace(key_id(other), key_id(public))
        assert both.claimed(renamed) == "ci"
        assert not both.vouches(HASH, renamed)

    @pytest.mark.parametrize("text", ["", ":", "ed25519", "ed25519:", "ed25519::", "x:y:z", "ed25519:é:é", "\0"])
    def test_that_are_none_vouch_for_nothing(self, public, text):
        keys = PublicKeys({"ci": public})
        assert keys.claimed(text) is None
        assert not keys.vouches(HASH, text)
        assert not keys.vouches(HASH, f"ed25519:{key_id(public)}:{text}")


class TestKeyFiles:
    def test_belong_to_their_owner_and_are_never_overwritten(self, tmp_path, public):
        assert stat.S_IMODE((tmp_path / "ci.pem").stat().st_mode) == 0o600
        before = (tmp_path / "ci.pem").read_bytes()
        with pytest.raises(ConfigError, match=r"ci\.pem already exists and was not changed\. Name a new file\.$"):
            write_new_key(tmp_path / "ci.pem")
        (tmp_path / "link.pem").symlink_to("nowhere.pem")
        with pytest.raises(ConfigError, match=r"already exists"):
            write_new_key(tmp_path / "link.pem")
        with pytest.raises(ConfigError, match=r"absent/ci\.pem cannot be written \(No such file or directory\)\.$"):
            write_new_key(tmp_path / "absent" / "ci.pem")
        assert (tmp_path / "ci.pem").read_bytes() == before

    def test_that_everybody_may_read_are_noticed_once(self, tmp_path, signer):
        signer(HASH)
        assert signer.notices == []
        (tmp_path / "ci.pem").chmod(0o644)
        open_to_all = signer_of("ci.pem", tmp_path)
        assert open_to_all(HASH) == open_to_all(HASH) == signer(HASH)
        assert open_to_all.notices == [
            "Everybody on this machine may read the signing key. Run `chmod 600` on its file."
        ]

    def test_may_be_the_text_itself_with_line_ends_written_out(self, tmp_path, signer):
        text = (tmp_path / "ci.pem").read_text()
        assert signer_of(text, tmp_path)(HASH) == signer_of(text.replace("\n", "\\n"), tmp_path)(HASH) == signer(HASH)

    def test_that_cannot_be_used_are_one_sentence_that_shows_nothing_of_them(self, tmp_path, public):
        text = (tmp_path / "ci.pem").read_text()
        secret = "".join(text.splitlines()[1:-1])
        for name, source in unusable(text, tmp_path).items():
            with pytest.raises(ConfigError) as raised:
                signer_of(source, tmp_path)(HASH)
            sentence = str(raised.value)
            assert re.match(EXPECTED[name], sentence), sentence
            assert secret[:20] not in sentence
            assert "BEGIN" not in sentence
            assert raised.value.__cause__ is None
            assert secret[:20] not in repr(raised.value.__context__)


EXPECTED = {
    "absent": r"^There is no file where the signing key \(`signing_key` in the configuration, or PROMOTION_SIGNING_KEY\)",
    "folder": r"^There is no file where the signing key",
    "pipe": r"^There is no file where the signing key",
    "base64 alone": r"^There is no file where the signing key",
    "very long": r"^The file of the signing key .* cannot be read \(File name too long\)\.$",
    "empty": r"^Cannot use the signing key .*: expected an Ed25519 private key as PEM .*, found something else\.$",
    "cut short": r"^Cannot use the signing key .* found something else\.$",
    "binary": r"^Cannot use the signing key .* found something else\.$",
    "encrypted": r"^Cannot use the signing key .* found one that asks for a password\. Write it without one\.$",
    "elliptic": r"^Cannot use the signing key .* found a key of another kind\.$",
    "public": r"^Cannot use the signing key .* found something else\.$",
}


def unusable(text, folder):
    """Sources of all kinds that hold no usable key, or hold one in another form."""
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"hunter2")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    ours = ed25519.Ed25519PrivateKey.generate()
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "empty").write_text("")
    (folder / "cut short").write_text(text[: len(text) // 2])
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "encrypted").write_bytes(ours.private_bytes(pem, pkcs8, locked))
    (folder / "elliptic").write_bytes(elliptic.private_bytes(pem, pkcs8, plain))
    public = ours.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "public").write_bytes(public)
    base64_alone = "".join(text.splitlines()[1:-1])
    return {name: name for name in EXPECTED} | {
        "base64 alone": base64_alone,
        "very long": base64_alone.replace("/", "x") * 10,
    }


class TestConfigured:
    @pytest.mark.slow
    def test_a_key_signs_every_entry_and_audit_and_history_know_by_which(self, tmp_path, store, rows_file, public):
        registry = opened(tmp_path, public, signing_key="ci.pem")
        registry.register(toy("weak"))
        registry.gate(toy("weak"))
        entries = registry.history("toy")
        assert {entry.signature.split(":")[1] for entry in entries} == {key_id(public)}
        assert [registry.parts.signed_by(entry) for entry in entries] == ["ci"] * 4
        assert {finding.code for finding in registry.audit("toy")} <= {"AUD015"}

    def test_without_a_key_nothing_is_recorded_where_public_keys_are_known(self, tmp_path, store, rows_file, public):
        registry = opened(tmp_path, public)
        with pytest.raises(ConfigError, match=r"^Entries of this ledger are signed, .* Nothing was recorded\.$"):
            registry.register(toy("weak"))
        assert kinds(registry) == []
        assert plan_gate(registry.parts, toy("weak")).decision.verdict == "promote"
        assert registry.champion("toy") is None

    def test_a_key_that_no_audit_would_know_signs_nothing(self, tmp_path, store, rows_file, public):
        other = write_new_key(tmp_path / "other.pem")
        registry = opened(tmp_path, public, signing_key="other.pem")
        with pytest.raises(ConfigError, match=r"^No key of \[public_keys\] is that of the signing key") as raised:
            registry.register(toy("weak"))
        assert str(raised.value).endswith(f'Add: NAME = "{other}"')
        assert kinds(registry) == []

    def test_its_text_shows_nowhere(self, tmp_path, public, monkeypatch):
        text = (tmp_path / "ci.pem").read_text()
        secret = text.splitlines()[1]
        monkeypatch.setenv("PROMOTION_SIGNING_KEY", text)
        config = load_config()
        assert config.signing_key.get_secret_value() == text
        for shown in (repr(config), str(config), config.model_dump_json(), str(config.model_dump())):
            assert secret not in shown

    def test_its_text_is_taken_out_of_what_other_programs_say(self, tmp_path, public):
        text = (tmp_path / "ci.pem").read_text()
        assert without_password(f"cannot parse {text} here") == "cannot parse ***\n here"
        assert without_password(f"cannot parse {text[:80]}") == "cannot parse ***"

    def test_the_environment_goes_before_the_file_and_empty_is_none(self, tmp_path, public, monkeypatch):
        (tmp_path / "promotion.toml").write_text(f'signing_key = "absent.pem"\n[public_keys]\nci = "{public}"\n')
        monkeypatch.setenv("PROMOTION_SIGNING_KEY", "ci.pem")
        assert open_registry().parts.writer._sign(HASH).startswith("ed25519:")
        monkeypatch.setenv("PROMOTION_SIGNING_KEY", "")
        with pytest.raises(ConfigError, match=r"^Entries of this ledger are signed"):
            open_registry().parts.writer._sign(HASH)


def opened(root, public, **keys):
    settings = settings_at(root).model_dump(exclude={"models"}) | {"models": settings_at(root).models, "root": root}
    return open_registry(Config(**settings | {"public_keys": {"ci": public}} | keys))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'signing_key = ["MC4CAQAwBQYDK2VwBCIEIPm"]',
            "'signing_key': Input should be a valid string, found a value that",
        ),
        (
            '[public_keys]\nci = "c2hvcnQ="',
            "'ci' in [public_keys]: Input should be 32 bytes in base64, as `promotion key` shows them, found",
        ),
        ('[public_keys]\nci = "not base64!"', "'ci' in [public_keys]: Input should be 32 bytes in base64"),
        ('signng_key = "MC4CAQAwBQYDK2VwBCIEIPm"', "has an unknown key 'signng_key'; did you mean 'signing_key'?"),
    ],
)
def test_keys_that_cannot_be_followed_are_one_sentence(tmp_path, text, sentence):
    (tmp_path / "promotion.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_config()
    assert sentence in str(raised.value)
    assert "MC4CAQ" not in str(raised.value)


class TestCommand:
    def test_prints_what_the_configuration_takes(self, tmp_path, capsys):
        assert run(["key", "ci.pem"]) == 0
        (tmp_path / "promotion.toml").write_text(
            capsys.readouterr().out.partition("[public_keys]")[2].join(["[public_keys]", ""])
        )
        config = load_config()
        signature = signer_of("ci.pem", tmp_path)(HASH)
        assert PublicKeys(config.public_keys).claimed(signature) == "ci"

    def test_as_json(self, capsys):
        assert run(["key", "release bot.pem", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["written"], told["name"]) == ("release bot.pem", "release bot")
        assert key_id(told["public_key"]) == told["key_id"]

    def test_refuses_to_overwrite(self, tmp_path, capsys):
        (tmp_path / "ci.pem").write_text("mine")
        assert run(["key", "ci.pem"]) == 1
        assert capsys.readouterr().err == "Error: ci.pem already exists and was not changed. Name a new file.\n"
        assert (tmp_path / "ci.pem").read_text() == "mine"
