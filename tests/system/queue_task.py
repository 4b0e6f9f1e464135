"""Logs in to the cdhboot page, queues the boot of a node and prints the worker's answer: what a browser does.

usage: queue_task.py PORT PASSWORD NODE
"""

import http.cookiejar
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

port, password, node = sys.argv[1:]
base = "http://127.0.0.1:{}".format(port)
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
deadline = time.monotonic() + 30


def get(path, **form):
    """The final URL and the page, after redirections; retries while the server does not listen yet."""
    data = urllib.parse.urlencode(form).encode() if form else None
    while True:
        try:
            with browser.open(base + path, data, timeout=10) as answer:
                return answer.geturl(), answer.read().decode()
        except urllib.error.HTTPError as error:
            sys.exit("{} answered {}: {}".format(path, error.code, error.read().decode()[:2000]))
        except (urllib.error.URLError, ConnectionError) as error:
            if time.monotonic() > deadline:
                sys.exit("no answer on port {}: {}".format(port, error))
            time.sleep(0.1)


url, page = get("/")
if "/login" not in url:
    sys.exit("the page let a stranger in: " + url)
get("/login", name="sysadmin", password=password)
url, page = get("/boot", node=node, slot="7")
while 'id="state">SUCCESS<' not in page:
    if time.monotonic() > deadline:
        sys.exit("the worker did not answer: " + page)
    time.sleep(0.1)
    url, page = get(urllib.parse.urlsplit(url).path)
print(re.search(r'<pre id="result">(.*?)</pre>', page, re.S).group(1))
