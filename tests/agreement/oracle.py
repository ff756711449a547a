"""What tshark says of a capture, kept between runs.

The dissection itself is tshark_oracle.py of the shared folder: hermetic settings, one JSON record a
packet with spans and values. This module gives it a settings folder of its own, runs it in this
process (so that tshark's table of fields is read once, not once a capture) and keeps each answer in
a cache folder under the hash of the capture, of the program that made it and of its settings.
"""
import codecs
import gzip
import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import tempfile


def load(path):
    """the module in the file `path`, which lies outside of any package"""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cache_folder():
    name = f"pktc-agreement-{os.getuid()}"
    return pathlib.Path(os.environ.get("PKTC_ORACLE_CACHE") or pathlib.Path(tempfile.gettempdir(), name))


class Oracle:
    def __init__(self, shared, folder):
        self.program = pathlib.Path(shared, "oracle", "tshark_oracle.py")
        self.module = load(self.program)
        self.folder = pathlib.Path(folder)
        self.settings = self.folder / "settings"
        if not (self.settings / "preferences").exists():
            self.settings.mkdir(parents=True, exist_ok=True)
            for name in "preferences", "heuristic_protos":
                shutil.copyfile(self.program.parent / "cfg" / name, self.settings / name)
        digest = hashlib.sha256(self.program.read_bytes())
        digest.update((self.settings / "preferences").read_bytes())
        digest.update((self.settings / "heuristic_protos").read_bytes())
        self.key = digest.hexdigest().encode()
        self.types = None

    def place(self, capture):
        name = hashlib.sha256(self.key + capture.read_bytes()).hexdigest()
        return self.folder / "tshark" / f"{name}.jsonl.gz"

    def records(self, capture):
        """the records of the packets; an Error when tshark did not come to its end"""
        place = self.place(capture)
        if not place.exists():
            self.ask(capture, place)
        with gzip.open(place, "rt") as file:
            return [json.loads(line) for line in file]

    def ask(self, capture, place):
        if self.types is None:
            self.types = self.module.field_types(str(self.settings / "fields.json"))
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_suffix(f".{os.getpid()}")
        with gzip.open(half, "wt", compresslevel=1) as out:
            self.dissect(capture, out)
        half.rename(place)

    def dissect(self, capture, out):
        environment = dict(os.environ, WIRESHARK_CONFIG_DIR=str(self.settings),
                           HOME=str(self.settings), LC_ALL="C.UTF-8", TZ="UTC")
        command = ["tshark", "-n", "-r", str(capture), "-T", "pdml"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=environment)
        parser = self.module.Parser(self.types, out, self.module.frames(str(capture)))
        # tshark 4.0 prints bytes that are not UTF-8, and control characters.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while piece := process.stdout.read1(1 << 16):
            text = decoder.decode(piece.translate(self.module.CTRL))
            parser.p.Parse(text.encode(), False)
        process.stdout.close()
        code = process.wait()
        # A capture that ends in the middle of a packet gives 2; what came before it counts.
        if code < 0 or code > 2:
            raise RuntimeError(f"tshark ended with {code} on {capture}")
        try:
            parser.p.Parse(b"", True)
        except self.module.xml.parsers.expat.ExpatError:
            if parser.count == 0 and code == 0:
                raise
