"""A receiver of what i-Reserve for Mattermost sends: docs/receiving.md in some thirty lines.

    pip install standardwebhooks
    WEBHOOK_SECRETS="whsec_…" python receiver.py 8080
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook

SECRETS = [Webhook(secret) for secret in os.environ["WEBHOOK_SECRETS"].split()]  # one, or two while you rotate
LONGEST_BODY = 1 << 20
taken = set()  # yours lives in a database, beside what you show, and keeps each id for 7 days
lock = threading.Lock()


def verified(body, headers):
    for secret in SECRETS:
        try:
            return secret.verify(body, headers)  # the raw body; also checks that the attempt is at most 5 minutes old
        except Exception:  # no signature, a wrong one, too old, or no JSON: all the same to us
            continue
    return None


def take(event):
    """Show it, change it or take it back. `test` events are taken and shown to nobody."""
    if not event["data"].get("test"):
        print(json.dumps([event["type"], event["data"]]), flush=True)
    return {"visitor": "delivered"} if event["type"].startswith("reply.") else {}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        event = verified(self.rfile.read(length), dict(self.headers)) if length <= LONGEST_BODY else None
        if event is None:
            return self.answer(401, {})
        with lock:  # one transaction in yours: the id and what it changes, or neither
            known = self.headers["webhook-id"] in taken
            taken.add(self.headers["webhook-id"])
            self.answer(200, {} if known else take(event))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
