"""What a file's name says about its contents: text, or bytes that no front end reads."""

from __future__ import annotations

from enum import Enum, auto

from readiness.repository.limits import Limits


class Kind(Enum):
    """How a file is read: as text, as a notebook, as a lock file (which may be larger), or not at all."""

    TEXT = auto()
    NOTEBOOK = auto()
    LOCK = auto()
    OPAQUE = auto()


_LOCKS = frozenset({
    "uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock", "pixi.lock", "pylock.toml", "conda-lock.yml", "cargo.lock",
    "composer.lock", "gemfile.lock", "go.sum", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml",
    "yarn.lock", "bun.lock",
})  # fmt: skip
_MEDIA = frozenset({
    "png", "jpg", "jpeg", "jpe", "gif", "bmp", "ico", "icns", "tif", "tiff", "webp", "avif", "heic", "psd", "ai",
    "eps", "raw", "mp3", "wav", "ogg", "oga", "flac", "m4a", "aac", "opus", "mp4", "m4v", "mov", "avi", "mkv", "webm",
    "mpg", "mpeg", "ttf", "otf", "woff", "woff2", "eot",
})  # fmt: skip
_DOCUMENTS = frozenset({
    "pdf", "doc", "docx", "xls", "xlsx", "xlsm", "ppt", "pptx", "odt", "ods", "odp", "epub", "mobi", "vsd", "vsdx",
})  # fmt: skip
_ARCHIVES = frozenset({
    "zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "lz4", "7z", "rar", "whl", "egg", "jar", "war", "deb", "rpm",
    "apk", "dmg", "iso",
})  # fmt: skip
_PROGRAMS = frozenset({
    "pyc", "pyo", "pyd", "so", "dylib", "dll", "exe", "bin", "o", "a", "lib", "class", "wasm", "node",
})  # fmt: skip
_DATA = frozenset({
    "parquet", "feather", "arrow", "avro", "orc", "npy", "npz", "h5", "hdf5", "mat", "rds", "sqlite", "sqlite3", "db",
    "db3", "duckdb", "mdb", "lmdb", "faiss", "index", "dat", "lockb", "msgpack", "pb", "tfrecord",
})  # fmt: skip
_MODELS = frozenset({
    "pkl", "pickle", "joblib", "dill", "pt", "pth", "ckpt", "safetensors", "gguf", "ggml", "onnx", "tflite", "keras",
    "mlmodel", "bst", "cbm", "model", "spm",
})  # fmt: skip
_KEYS = frozenset({
    "p12", "pfx", "jks", "keystore", "der", "gpg", "sig",
})  # fmt: skip
_OPAQUE = _MEDIA | _DOCUMENTS | _ARCHIVES | _PROGRAMS | _DATA | _MODELS | _KEYS


def kind_of(path: str) -> Kind:
    """The kind of the file at `path`, by its name."""
    name = path.rpartition("/")[2].lower()
    if name in _LOCKS:
        return Kind.LOCK
    ending = name.rpartition(".")[2] if "." in name else ""
    if ending == "ipynb":
        return Kind.NOTEBOOK
    return Kind.OPAQUE if ending in _OPAQUE else Kind.TEXT


def largest(kind: Kind, limits: Limits) -> int:
    """How many bytes of a file of this kind are read at most."""
    if kind is Kind.NOTEBOOK:
        return limits.notebook_bytes
    return limits.lock_bytes if kind is Kind.LOCK else limits.file_bytes
