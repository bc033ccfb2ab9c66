"""What callers of the webhook see: one row for each kind of request, sent as raw bytes over TLS to the real program."""
import base64
import json
import re
import ssl
import subprocess
import unittest
import warnings

from support import MAX_BODY, Client, Folder, Server, client_context, post, review, review_of_size


def request(line, *headers, body=b""):
    return "\r\n".join([line, *headers]).encode() + b"\r\n\r\n" + body


def chunked(data, size=65536):
    pieces = [data[i:i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


HOST = "Host: localhost"
JSON = "Content-Type: application/json"
REVIEW = review()
LENGTH = f"Content-Length: {len(REVIEW)}"
CLOSES = True
KEEPS = False


class Ours(str):
    """An answer of ours that libmicrohttpd 1.0 and later gives before us, in words of its own."""


# name: (request, status, the connection afterwards, a piece of the answer's text)
# An empty text: the answer is libmicrohttpd's own.
ROWS = {
    "a review is answered with 200":
        (post(), 200, KEEPS, '"allowed":true'),
    "the timeout that kube-apiserver appends to the path is fine":
        (post(path="/mutate?timeout=5s"), 200, KEEPS, '"allowed":true'),
    "a charset after the content type is fine":
        (post(content_type="application/json; charset=utf-8"), 200, KEEPS, '"allowed":true'),
    "the content type is compared without case":
        (post(content_type="Application/JSON"), 200, KEEPS, '"allowed":true'),
    "a chunked body is fine":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked", body=chunked(REVIEW, 10)),
         200, KEEPS, '"allowed":true'),
    "a client of HTTP 1.0 is answered and its connection ended":
        (request("POST /mutate HTTP/1.0", HOST, JSON, LENGTH, body=REVIEW), 200, CLOSES, '"allowed":true'),
    "a client that asks for it gets its connection ended":
        (post(headers=["Connection: close"]), 200, CLOSES, '"allowed":true'),
    "a review of exactly the longest length is answered":
        (post(review_of_size(MAX_BODY)), 200, KEEPS, '"allowed":true'),

    "an empty body is a bad request":
        (post(b""), 400, KEEPS, "expected"),
    "a request without a body is a bad request":
        (request("POST /mutate HTTP/1.1", HOST, JSON), 400, KEEPS, "expected"),
    "a body that is not JSON is a bad request that names the byte":
        (post(b'{"a": nonsense}'), 400, KEEPS, "byte 7"),
    "JSON that is not an AdmissionReview is a bad request":
        (post(b"{}"), 400, KEEPS, "expected"),

    "another path is not found":
        (post(path="/other"), 404, KEEPS, "not found: the path is '/other', expected '/mutate'"),
    "a path below the webhook's is not found":
        (post(path="/mutate/"), 404, KEEPS, "'/mutate/'"),
    "the root is not found":
        (request("GET / HTTP/1.1", HOST), 404, KEEPS, "'/'"),
    "the path is asked before the method and the type":
        (request("GET /other HTTP/1.1", HOST), 404, KEEPS, "not found"),
    "a path is shown without what could harm a terminal, and not all of it":
        (post(path="/\x1b\x07" + "x" * 200), 404, KEEPS, "'/??" + "x" * 73 + "...'"),
    "a path that is the webhook's only up to an escaped NUL is not found":
        (post(path="/mutate%00x"), 404, KEEPS, "'/mutate%00x'"),
    "a path that is the webhook's only when unescaped is not found":
        (post(path="/%6dutate"), 404, KEEPS, "'/%6dutate'"),
    "a GET is not allowed":
        (request("GET /mutate HTTP/1.1", HOST), 405, KEEPS, "method not allowed: it is 'GET', expected 'POST'"),
    "a PUT is not allowed, and its body is read":
        (request("PUT /mutate HTTP/1.1", HOST, JSON, LENGTH, body=REVIEW), 405, KEEPS, "'PUT'"),
    "a DELETE is not allowed":
        (request("DELETE /mutate HTTP/1.1", HOST), 405, KEEPS, "'DELETE'"),
    "OPTIONS is not allowed":
        (request("OPTIONS /mutate HTTP/1.1", HOST), 405, KEEPS, "'OPTIONS'"),
    "the method is asked before the type":
        (request("PUT /mutate HTTP/1.1", HOST, "Content-Type: text/plain", "Content-Length: 1", body=b"x"),
         405, KEEPS, "method"),
    "another content type is unsupported":
        (post(content_type="text/plain"), 415, KEEPS, "Content-Type is 'text/plain', expected 'application/json'"),
    "a content type that only begins alike is unsupported":
        (post(content_type="application/jsonp"), 415, KEEPS, "'application/jsonp'"),
    "a missing content type is unsupported":
        (post(content_type=None), 415, KEEPS, "Content-Type is missing, expected 'application/json'"),

    "a body one byte too long is too large":
        (post(review_of_size(MAX_BODY + 1)), 413, CLOSES, "longer than 7340032 bytes"),
    "a chunked body that is too long is too large":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked",
                 body=chunked(review_of_size(MAX_BODY + 1))), 413, CLOSES, "longer than 7340032 bytes"),
    "a length beyond what would be read is too large at once":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length: 99999999999"),
         413, CLOSES, "longer than 7340032 bytes"),
    "a length near the end of 64 bits is too large":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length: 9999999999999999999"),
         413, CLOSES, "longer than 7340032 bytes"),
    "a length that no 64 bits hold is too large":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length: 99999999999999999999"), 413, CLOSES, ""),

    "a space before the colon of a length is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, f"Content-Length : {len(REVIEW)}", body=REVIEW),
         400, CLOSES, Ours("a header's name is 'Content-Length ', expected")),
    "a space before the colon of an encoding is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding : chunked", body=chunked(REVIEW)),
         400, CLOSES, Ours("a header's name is 'Transfer-Encoding ', expected")),
    "a tab before the colon of a length is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, f"Content-Length\t: {len(REVIEW)}", body=REVIEW),
         400, CLOSES, Ours("a header's name is 'Content-Length?', expected")),
    "a space before the colon of a host is refused":
        (request("POST /mutate HTTP/1.1", HOST, "Host : other", JSON, LENGTH, body=REVIEW),
         400, CLOSES, Ours("a header's name is 'Host ', expected")),
    "a space before the colon of any header is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, LENGTH, "X-Any : x", body=REVIEW),
         400, CLOSES, Ours("a header's name is 'X-Any ', expected")),
    "a first header that is folded is refused":
        (request("POST /mutate HTTP/1.1", " X-Any: x", HOST, JSON, LENGTH, body=REVIEW),
         400, CLOSES, Ours("a header's name is ' X-Any', expected")),
    "a folded length is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length:", f" {len(REVIEW)}", body=REVIEW),
         400, CLOSES, Ours(f"a header's name is 'Content-Length{len(REVIEW)}', expected")),
    "a folded encoding is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding:", " chunked", body=chunked(REVIEW)),
         400, CLOSES, Ours("a header's name is 'Transfer-Encodingchunked', expected")),
    "a folded host is refused":
        (request("POST /mutate HTTP/1.1", HOST, "Host:", " other", JSON, LENGTH, body=REVIEW),
         400, CLOSES, Ours("a header's name is 'Hostother', expected")),
    "a bare carriage return in a value is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, f"X: a\rContent-Length: {len(REVIEW)}", body=REVIEW),
         400, CLOSES, Ours("a carriage return is in the value of 'X', expected none")),
    "an encoding in HTTP 1.0 is refused":
        (request("POST /mutate HTTP/1.0", HOST, JSON, "Transfer-Encoding: chunked", body=chunked(REVIEW)),
         400, CLOSES, "Transfer-Encoding came in 'HTTP/1.0', expected 'HTTP/1.1'"),
    "two different lengths are refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, LENGTH, "Content-Length: 3", body=REVIEW),
         400, CLOSES, "Content-Length came 2 times, expected once"),
    "the same length twice is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, LENGTH, LENGTH, body=REVIEW),
         400, CLOSES, "Content-Length came 2 times, expected once"),
    "a length that is not a number is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length: 5x"), 400, CLOSES, ""),
    "a negative length is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Content-Length: -5"), 400, CLOSES, ""),
    "a length together with an encoding is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, LENGTH, "Transfer-Encoding: chunked", body=chunked(REVIEW)),
         400, CLOSES, Ours("Content-Length and Transfer-Encoding came together")),
    "an encoding before a length is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked", "Content-Length: 4",
                 body=chunked(REVIEW)), 400, CLOSES, Ours("Content-Length and Transfer-Encoding came together")),
    "an unknown encoding is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: gzip", body=REVIEW),
         400, CLOSES, Ours("Transfer-Encoding is 'gzip', expected 'chunked'")),
    "chunked after another encoding is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: gzip, chunked", body=chunked(REVIEW)),
         400, CLOSES, Ours("Transfer-Encoding is 'gzip, chunked', expected 'chunked'")),
    "chunked twice is refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                 body=chunked(REVIEW)), 400, CLOSES, "Transfer-Encoding came 2 times, expected once"),
    "a missing host is refused":
        (request("POST /mutate HTTP/1.1", JSON, LENGTH, body=REVIEW), 400, CLOSES, ""),
    "a missing host is refused in HTTP 1.0 too":
        (request("POST /mutate HTTP/1.0", JSON, LENGTH, body=REVIEW), 400, CLOSES, "Host came 0 times, expected once"),
    "two hosts are refused":
        (request("POST /mutate HTTP/1.1", HOST, "Host: other", JSON, LENGTH, body=REVIEW),
         400, CLOSES, "Host came 2 times, expected once"),
    "headers that are too long are refused":
        (request("POST /mutate HTTP/1.1", HOST, JSON, "X-Long: " + "x" * 40000), 431, CLOSES, ""),
}


class RsaFolder(Folder):
    """As Folder, with a certificate of an RSA key."""

    def __init__(self):
        super().__init__()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key,
                        "-out", self.certificate], check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class ServerAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.server = Server(cls.folder)
        built = re.search(r'libmicrohttpd="(\d+)\.', cls.server.get_ops("/metrics").text)
        cls.libmicrohttpd = int(built[1])

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.kill()
            cls.folder.remove()

    def check(self, sent, status, closes, text):
        if isinstance(text, Ours) and self.libmicrohttpd >= 1:
            text = ""
        with self.server.connect() as client:
            response = client.ask(sent)
            self.assertEqual(response.status, status, response.text)
            self.assertIn(text, response.text)
            if status == 405:
                self.assertEqual(response.headers["allow"], "POST")
            if status == 200:
                self.assertEqual(response.headers["content-type"], "application/json")
            elif text:
                self.assertEqual(response.headers["content-type"], "text/plain; charset=utf-8")
                self.assertTrue(response.text.endswith("\n") and response.text.count("\n") == 1, response.text)
            if closes:
                self.assertTrue(response.ends_connection)
                rest = client.read_to_end()
                if text:  # libmicrohttpd sends the headers of its own answers twice
                    self.assertEqual(rest, b"")
            else:
                self.assertFalse(response.ends_connection)
                self.assertEqual(client.post().status, 200, "the connection can be used again")

    def test_the_uid_comes_back_with_the_answer(self):
        with self.server.connect() as client:
            answer = json.loads(client.post(review(uid="a-uid")).body)
        self.assertEqual(answer["response"]["uid"], "a-uid")
        self.assertEqual((answer["apiVersion"], answer["kind"]), ("admission.k8s.io/v1", "AdmissionReview"))

    def test_a_pod_of_rucio_gets_a_patch(self):
        with self.server.connect() as client:
            response = json.loads(client.post().body)["response"]
        self.assertEqual(response["patchType"], "JSONPatch")
        self.assertIn("RUCIO_POLICY_PACKAGE", base64.b64decode(response["patch"]).decode())

    def test_a_head_request_is_not_allowed_and_gets_no_body(self):
        with self.server.connect() as client:
            client.send(request("HEAD /mutate HTTP/1.1", HOST))
            self.assertEqual(client.read_response(has_body=False).status, 405)
            self.assertEqual(client.post().status, 200)

    def test_requests_sent_in_one_go_are_answered_in_order(self):
        uids = [f"uid-{i}" for i in range(20)]
        with self.server.connect() as client:
            client.send(b"".join(post(review(uid=uid)) for uid in uids))
            answers = [json.loads(client.read_response().body)["response"]["uid"] for _ in uids]
        self.assertEqual(answers, uids)

    def test_a_body_that_comes_byte_by_byte_is_answered(self):
        data = post()
        with self.server.connect() as client:
            for i in range(len(data)):
                client.send(data[i:i + 1])
            self.assertEqual(client.read_response().status, 200)

    def test_a_request_inside_the_body_of_an_ambiguous_one_is_not_answered(self):
        inner = post(review(uid="smuggled"))
        for header, body in [(f"Content-Length : {len(inner)}", inner), ("Transfer-Encoding : chunked", inner),
                             ("Transfer-Encoding : chunked", chunked(inner)),
                             (f"Content-Length\t: {len(inner)}", inner),
                             (f"Content-Length:\r\n {len(inner)}", inner),
                             (f"content-length:\r\n\t{len(inner)}", inner),
                             ("Transfer-Encoding:\r\n chunked", inner),
                             ("Transfer-Encoding:\r\n chunked", chunked(inner)),
                             (f"X: a\rContent-Length: {len(inner)}", inner),
                             ("X: a\rTransfer-Encoding: chunked", chunked(inner))]:
            with self.subTest(header=header), self.server.connect() as client:
                client.send(request("POST /mutate HTTP/1.1", HOST, JSON, header, body=body))
                answers = client.read_to_end()
                self.assertEqual((answers.count(b"HTTP/1.1 "), answers.count(b"HTTP/1.1 400 ")), (1, 1), answers)
                self.assertNotIn(b"smuggled", answers)

    def test_a_refused_upload_without_end_is_cut_off(self):
        with self.server.connect() as client:
            client.send(request("POST /mutate HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked"))
            with self.assertRaises((ConnectionError, ssl.SSLError)):
                while True:
                    client.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        self.server.wait_for("request broken off")

    def test_curl_gets_an_answer_to_a_large_review(self):
        path = self.folder.path / "large.json"
        path.write_bytes(review_of_size(2 * 1024 * 1024))
        result = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--cacert", self.folder.certificate,
             "--header", JSON, "--data-binary", f"@{path}", f"https://localhost:{self.server.port}/mutate"],
            capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(json.loads(result.stdout)["response"]["allowed"])

    def connects_with(self, version):
        context = client_context(self.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with Client(self.server.port, context) as client:
            return client.post().status == 200

    def test_tls_1_3_is_spoken(self):
        self.assertTrue(self.connects_with(ssl.TLSVersion.TLSv1_3))

    def test_tls_1_2_is_spoken(self):
        self.assertTrue(self.connects_with(ssl.TLSVersion.TLSv1_2))

    def test_tls_1_1_is_refused(self):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connects_with(ssl.TLSVersion.TLSv1_1)

    def test_tls_1_2_with_rsa_has_only_suites_with_forward_secrecy_and_authenticated_encryption(self):
        with RsaFolder() as folder, Server(folder) as server:
            names = subprocess.run(["openssl", "ciphers", "-tls1_2", "ALL:@SECLEVEL=0"], check=True,
                                   capture_output=True, text=True).stdout.strip().split(":")
            taken = {name for name in names if self.takes_suite(server, name)}
        self.assertIn("ECDHE-RSA-AES128-GCM-SHA256", taken)
        secret = re.compile("(ECDHE|DHE)-RSA-(AES(128|256)-(GCM-SHA(256|384)|CCM)|CHACHA20-POLY1305)")
        self.assertEqual({name for name in taken if not secret.fullmatch(name)}, set())

    @staticmethod
    def takes_suite(server, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(f"{name}:@SECLEVEL=0")
            with Client(server.port, context) as client:
                return client.socket.cipher()[0] == name
        except OSError:
            return False

    def test_plain_http_is_refused(self):
        with Client(self.server.port) as client:
            client.send(post())
            self.assertNotIn(b"HTTP/", client.read_to_end())

    def test_bytes_that_are_not_http_end_the_connection(self):
        with self.server.connect() as client:
            client.send(b"nonsense\r\n\r\n")
            self.assertEqual(client.read_to_end(), b"")


def add_rows():
    for name, row in ROWS.items():
        def test(self, row=row):
            self.check(*row)
        test.__name__ = "test_" + name.replace(" ", "_").replace(",", "").replace(".", "_")
        setattr(ServerAnswers, test.__name__, test)


add_rows()

if __name__ == "__main__":
    unittest.main()
