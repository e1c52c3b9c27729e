"""What a store holds, read without moongate: names in a folder, or of blobs in an account that is
reached by its key (AZURE_STORAGE_SERVICE_ENDPOINT and AZURE_STORAGE_KEY).
"""

import base64
import datetime as dt
import hashlib
import hmac
import os
import re
import urllib.parse
import urllib.request
import xml.etree.ElementTree

API = "2019-12-12"
HOURS = 12  # that a signature is good for


class Folder:
    def __init__(self, path):
        self.path = path

    def names(self, prefix):
        """The names below a prefix that ends with a slash, without it."""
        try:
            return os.listdir(os.path.join(self.path, prefix))
        except FileNotFoundError:
            return []


class Blobs:
    def __init__(self, url):
        match = re.match(r"azblob://([^/]+)/([^/]+)/?(.*)$", url)
        self.account, self.container, self.folder = match.groups()
        self.endpoint = os.environ["AZURE_STORAGE_SERVICE_ENDPOINT"]
        self.key = base64.b64decode(os.environ["AZURE_STORAGE_KEY"])

    def signature(self):
        """An account SAS that may list the blobs of a container."""
        ends = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=HOURS)
        se = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = "\n".join([self.account, "l", "b", "c", "", se, "", "", API, ""])
        digest = hmac.new(self.key, text.encode(), hashlib.sha256).digest()
        return {"sv": API, "ss": "b", "srt": "c", "sp": "l", "se": se,
                "sig": base64.b64encode(digest).decode()}

    def names(self, prefix):
        start = f"{self.folder}/{prefix}" if self.folder else prefix
        names, marker = [], ""
        while True:
            query = urllib.parse.urlencode({"restype": "container", "comp": "list",
                                            "prefix": start, "marker": marker,
                                            **self.signature()})
            with urllib.request.urlopen(f"{self.endpoint}/{self.container}?{query}") as answer:
                page = xml.etree.ElementTree.fromstring(answer.read())
            names += [blob.text[len(start):] for blob in page.iterfind("Blobs/Blob/Name")]
            marker = page.findtext("NextMarker")
            if not marker:
                return names


def open_store(where):
    return Blobs(where) if where.startswith("azblob://") else Folder(where)
