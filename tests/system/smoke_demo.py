"""The application that `omnipack smoke` is tried with: what it does is what its first argument says."""
import sys
import time


def main():
    getattr(sys.modules[__name__], sys.argv[1])(*sys.argv[2:])


def web(port):
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


def stay():
    time.sleep(100000)


def end():
    sys.exit("the database is not there")


def work():
    print("done")


def expect(variable, value):
    import getpass
    import os

    if os.environ.get(variable) != value or getpass.getuser() != "demo":
        sys.exit("{} is {}, and I am {}".format(variable, os.environ.get(variable), getpass.getuser()))
