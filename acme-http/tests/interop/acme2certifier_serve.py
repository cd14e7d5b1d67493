"""Serves acme2certifier's own WSGI application over TLS on loopback, for the interop tests.

usage: acme2certifier_serve.py PORT CERTIFICATE KEY
The configuration is read by acme2certifier from $ACME_SRV_CONFIGFILE.
"""

import socket
import ssl
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from acme2certifier.share.acme2certifier_wsgi import application


class Handler(WSGIRequestHandler):
    """Does the TLS handshake in the thread of the connection, and looks up no names."""

    def setup(self):
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def address_string(self):
        return self.client_address[0]


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection; none of them outlives the process."""

    daemon_threads = True

    def __init__(self, port, certificate, key):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        super().__init__(("127.0.0.1", port), Handler)
        self.base_environ["HTTPS"] = "on"
        self.set_app(application)

    def server_bind(self):
        # Without the name lookup of the base class.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()


Server(int(sys.argv[1]), sys.argv[2], sys.argv[3]).serve_forever()
