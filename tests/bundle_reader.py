"""A second reader of bundles, written from docs/bundle.md alone.

bundle_reader.py KEYFILE OUTPUT BUNDLE...: the bundles of a chain, the full one first; writes the files they hold below OUTPUT.
"""

import hashlib
import pathlib
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK, TAG = 65536, 16


def derive(key: bytes, label: str, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, None, label.encode()).derive(key)


def read(path: pathlib.Path, key: bytes) -> tuple[bytes, bytes, list]:
    """Digest of the bundle, that of its parent, and what its list names: held or not, name, bytes of the file or None."""
    data = path.read_bytes()
    head = data[:192]
    magic, version, suite, list_bytes = struct.unpack_from("<8sHHI", head)
    _generation, manifest, parent, payload_bytes = struct.unpack_from("<Q32s32sQ", head, 16)
    key_id, prefix, zero, nonce, zeros, wrapped = struct.unpack_from("<16s7sB12s12s48s", head, 96)
    assert (magic, version, suite) == (b"RINGBUN\n", 1, 1), "not a bundle of this version"
    assert zero == 0 and zeros == bytes(12), "bytes that should be zero"
    assert key_id == derive(key, "ringfence bundle 1 key id", 16), "sealed under another key"
    data_key = AESGCM(derive(key, "ringfence bundle 1 wrap")).decrypt(nonce, wrapped, head[:144])

    begin = 192 + list_bytes + TAG
    digest = hashlib.sha256(data[:begin]).digest()
    listed = AESGCM(derive(data_key, "ringfence bundle 1 list")).decrypt(bytes(12), data[192:begin], head)

    num_chunks = max(1, -(-payload_bytes // CHUNK))
    assert len(data) == begin + payload_bytes + num_chunks * TAG, "cut, or something was appended"
    chunks, payload = AESGCM(derive(data_key, "ringfence bundle 1 chunks")), b""
    for number in range(num_chunks):
        sealed = data[begin + number * (CHUNK + TAG) :][: CHUNK + TAG]
        last = number == num_chunks - 1
        payload += chunks.decrypt(prefix + struct.pack(">IB", number, last), sealed, digest)

    (num_files,) = struct.unpack_from("<I", listed)
    files, at, taken = [], 4, 0
    for _ in range(num_files):
        held, name_bytes = struct.unpack_from("<BB", listed, at)
        name = listed[at + 2 : at + 2 + name_bytes].decode()
        length, sha256 = struct.unpack_from("<Q32s", listed, at + 2 + name_bytes)
        at += 2 + name_bytes + 40
        content = payload[taken : taken + length] if held else None
        if held:
            assert hashlib.sha256(content).digest() == sha256, f"{name} is not what was written"
            taken += length
        files.append((name, content))
    assert at == len(listed) and taken == len(payload), "bytes that belong to no file"
    assert files[0][0].startswith("manifest/") and hashlib.sha256(files[0][1]).digest() == manifest
    return digest, parent, files


def main() -> None:
    key, output, before = bytes.fromhex(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2]), bytes(32)
    for name in sys.argv[3:]:
        digest, parent, files = read(pathlib.Path(name), key)
        assert parent == before, f"{name} builds on another bundle"
        before = digest
        for file, content in files:
            path = output / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
            assert path.exists(), f"no bundle of the chain holds {file}"


main()
