"""Limits: slow clients are gone by their deadline, too many connections and too much memory are refused, and a normal
client is served meanwhile."""
import collections
import json
import os
import pathlib
import resource
import select
import socket
import ssl
import threading
import time
import unittest

from server_support import metric
from support import (MAX_BODY, PATIENCE, PROGRAM, RELEASE_PROGRAM, Client, Folder, Server, post, raise_file_limit, review,
                     review_of_size, serve_command, wait_until)

CONNECTIONS = 3000
IDLE = 2000
SLOW = 200
MEBIBYTE = 1024 * 1024
IDLE_AND_SLOW_BYTES = 128 * MEBIBYTE  # resident, after all of these connections; half of it is GnuTLS, per session
# The head of a TLS record that announces 16 KiB of ClientHello: more than is ever dripped.
HANDSHAKE = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"
SLOW_TIMEOUT = 3
TICK = 0.25  # how late the server may notice a deadline
SLACK = 5  # how late this test may notice that a client is gone: it asks one normal request in between


def is_gone(client):
    """Whether the server has ended the connection; reads nothing but the end."""
    poller = select.poll()
    poller.register(client.socket, select.POLLIN | select.POLLRDHUP)
    return any(events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR) for _, events in poller.poll(0))


def server_has_read_all(server, client):
    """Whether nothing that client sent is left in the server's socket: the receive queue in the kernel's table."""
    pair = (server.port, client.socket.getsockname()[1])
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        ports = tuple(int(field.rpartition(":")[2], 16) for field in fields[1:3])
        if ports == pair:
            return fields[4].endswith(":00000000")
    return False


class Flood(threading.Thread):
    """Silent connections, 510 new ones a second: the oldest is given up when there are 1,500."""

    RATE, HELD = 510, 1500

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.wants_end = False
        self.is_full = False

    def run(self):
        held = collections.deque()
        began, opened = time.monotonic(), 0
        while not self.wants_end:
            while opened < (time.monotonic() - began) * self.RATE + self.HELD:
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.port))
                held.append(client)
                opened += 1
                if len(held) > self.HELD:
                    self.is_full = True
                    held.popleft().close()
            time.sleep(0.01)
        for client in held:
            client.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.wants_end = True
        self.join()


class ServerLimits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_file_limit()
        cls.folder = Folder()

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()

    def check_slow_client(self, server, start, drip, connect=None):
        """Connects, sends start and then drip for ever, a piece every tenth of a second, while a normal client is
        served. The timeout is two seconds, from some moment after the connect on."""
        began = time.monotonic()
        with (connect or server.connect)() as client, server.connect() as normal:
            client.send(start)
            while not is_gone(client):
                self.assertLess(time.monotonic(), began + PATIENCE, "the slow client is still there")
                try:
                    client.send(drip)
                except OSError:
                    break
                self.assertEqual(normal.post().status, 200)
                time.sleep(0.1)
        self.assertGreater(time.monotonic(), began + 1.5, "the client was given its time")

    def test_a_client_that_drips_its_headers_is_gone_by_the_idle_timeout(self):
        with Server(self.folder, "--idle-timeout", "2s", "--request-timeout", "600s") as server:
            self.check_slow_client(server, b"POST /mutate HTTP/1.1\r\nX: ", b"x")

    def test_a_client_that_drips_its_second_headers_is_gone_by_the_idle_timeout(self):
        def connect():
            client = server.connect()
            self.assertEqual(client.post().status, 200)
            return client

        with Server(self.folder, "--idle-timeout", "2s", "--request-timeout", "600s") as server:
            self.check_slow_client(server, b"POST /mutate HTTP/1.1\r\nX: ", b"x", connect)

    def test_a_client_that_drips_its_body_is_gone_by_the_request_timeout(self):
        with Server(self.folder, "--idle-timeout", "600s", "--request-timeout", "2s") as server:
            self.check_slow_client(server, post(review_of_size(100000))[:500], b" ")
            server.wait_for("request broken off")

    def test_a_client_that_drips_a_refused_body_is_gone_by_the_request_timeout(self):
        with Server(self.folder, "--idle-timeout", "600s", "--request-timeout", "2s") as server:
            self.check_slow_client(server, post(review_of_size(100000), path="/x")[:500], b" ")

    def test_a_client_that_drips_its_handshake_is_gone_by_the_request_timeout(self):
        with Server(self.folder, "--idle-timeout", "600s", "--request-timeout", "2s") as server:
            self.check_slow_client(server, HANDSHAKE, b"\x00", lambda: Client(server.port))

    def test_a_silent_client_is_gone_by_the_request_timeout(self):
        with Server(self.folder, "--idle-timeout", "600s", "--request-timeout", "1s") as server:
            with Client(server.port) as client:
                wait_until(lambda: is_gone(client), "the connection is closed")

    def test_an_idle_connection_is_closed_after_the_idle_timeout(self):
        with Server(self.folder, "--idle-timeout", "1s", "--request-timeout", "600s") as server:
            with server.connect() as fresh, server.connect() as used:
                self.assertEqual(used.post().status, 200)
                self.assertEqual(used.read_to_end(), b"")
                self.assertEqual(fresh.read_to_end(), b"")

    def test_a_client_that_does_not_take_its_answers_is_gone_by_the_request_timeout(self):
        with Server(self.folder, "--idle-timeout", "600s", "--request-timeout", "2s",
                    "--max-requests-per-connection", "0") as server:
            with server.connect() as client, server.connect() as normal:
                client.socket.setblocking(False)
                wait_until(lambda: self.push(client) or server.find("answer not taken"), "the connection is closed")
                server.wait_for("answer not taken")
                self.assertEqual(normal.post().status, 200)

    @staticmethod
    def push(client):
        """Sends requests until nothing more can be sent; whether the connection is gone."""
        try:
            while True:
                client.socket.send(post(review(name="n" * 200)) * 10)
        except ssl.SSLWantWriteError:
            return False
        except OSError:
            return True

    def test_three_thousand_idle_connections_are_held_and_one_more_is_refused(self):
        with Server(self.folder, "--max-connections", str(CONNECTIONS)) as server:
            clients = [server.connect() for _ in range(CONNECTIONS)]
            try:
                for client in clients:  # who has said nothing would make room
                    self.assertEqual(client.post().status, 200)
                for _ in range(3):
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        server.connect()
                server.wait_for("connections refused: the limit is reached", limit=CONNECTIONS)
                for client in clients[::100]:
                    self.assertEqual(client.post().status, 200)
                clients.pop().close()
                wait_until(lambda: self.can_connect(server), "a place is free again")
            finally:
                for client in clients:
                    client.close()

    def test_silent_clients_that_fill_the_table_make_room_for_one_that_speaks(self):
        with Server(self.folder, "--max-connections", "50") as server:
            silent = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(60)]
            try:
                began = time.monotonic()
                with server.connect() as client:
                    self.assertEqual(client.post().status, 200)
                self.assertLess(time.monotonic() - began, 10, "it need not wait for the handshakes' deadline")
                server.wait_for("connections refused: the limit is reached", limit=50)
            finally:
                for client in silent:
                    client.close()

    def test_a_flood_of_silent_clients_leaves_probes_and_reviews_served(self):
        """In seconds of flood per endpoint: RPW_FLOOD_SECONDS, for a long run."""
        seconds = float(os.environ.get("RPW_FLOOD_SECONDS", "3"))
        with Server(self.folder) as server:
            for port, ask in [(server.ops_port, lambda: server.get_ops("/healthz")),
                              (server.port, lambda: self.review_on_a_new_connection(server))]:
                with Flood(port) as flood:
                    wait_until(lambda: flood.is_full, "the flood is at its height")
                    served = [self.is_served_within_a_second(ask) for _ in range(int(seconds * 10))]
                self.assertGreaterEqual(sum(served), len(served) * 0.99, f"port {port}")

    @staticmethod
    def review_on_a_new_connection(server):
        with server.connect() as client:
            return client.post()

    @staticmethod
    def is_served_within_a_second(ask):
        began = time.monotonic()
        try:
            is_served = ask().status == 200
        except (OSError, ValueError):
            is_served = False
        took = time.monotonic() - began
        time.sleep(max(0, 0.1 - took))
        return is_served and took < 1

    def test_extensions_of_chunks_without_end_are_cut_off(self):
        sent = 0
        with Server(self.folder) as server, server.connect() as client:
            client.send(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = (b"1;" + b"x" * 1000 + b"\r\n \r\n") * 64
            began = time.monotonic()
            with self.assertRaises((ConnectionError, ssl.SSLError)):
                while time.monotonic() < began + 10:
                    client.send(chunk)
                    sent += len(chunk)
            server.wait_for("request broken off")
        self.assertLess(sent, 600 * MEBIBYTE)

    def test_refused_requests_have_a_limit_of_log_lines_and_the_others_are_counted(self):
        with Server(self.folder) as server:
            with server.connect() as client:
                client.send(post(b"{}", path="/other") * 900)
                self.assertEqual([client.read_response().status for _ in range(900)], [404] * 900)
            time.sleep(1)  # the limit is one of each second
            with server.connect() as client:
                self.assertEqual(client.post(b"{}").status, 400)
            server.wait_for("request", status=400)
            written = [event for event in server.events() if event["message"] == "request"]
            suppressed = sum(event.get("suppressedLines", 0) for event in written)
            self.assertLess(len(written), 900)
            self.assertEqual(len(written) + suppressed, 901)

    @staticmethod
    def can_connect(server):
        try:
            with server.connect() as client:
                return client.post().status == 200
        except OSError:
            return False

    def test_idle_and_slow_clients_leave_a_normal_one_served(self):
        """The bound of memory is that of the program that is delivered; AddressSanitizer has its own."""
        command = [RELEASE_PROGRAM or PROGRAM, *serve_command(self.folder, "--request-timeout", f"{SLOW_TIMEOUT}s",
                                                               "--max-connections", "10000")[1:]]
        clients, slow = [], {}  # the slow ones with the moment from which their time counts, or a little later
        with Server(self.folder, command=command) as server:
            try:
                for _ in range(IDLE):
                    clients.append(server.connect())
                for i in range(SLOW):
                    clients.append(server.connect() if i % 2 == 0 else Client(server.port))
                    clients[-1].send(post(review_of_size(100000))[:20000] if i % 2 == 0 else HANDSHAKE)
                    slow[clients[-1]] = time.monotonic()
                times = self.times_of_normal_requests(server, slow)
                resident = metric(server, "process_resident_memory_bytes")
                for client in clients[:IDLE:100]:
                    self.assertEqual(client.post().status, 200)
                counts = {phase: metric(server, "rpw_connections_timed_out_total", endpoint="webhook", phase=phase)
                          for phase in ["handshake", "body"]}
                self.assertEqual(counts, {"handshake": SLOW / 2, "body": SLOW / 2})
            finally:
                for client in clients:
                    client.close()
        # A bound that a slow machine keeps as well; on an idle one it is some milliseconds.
        self.assertLess(sorted(times)[int(len(times) * 0.95)], 1)
        if RELEASE_PROGRAM:
            self.assertLess(resident, IDLE_AND_SLOW_BYTES)

    def times_of_normal_requests(self, server, slow):
        """Sends a byte on each slow connection, then asks on a new one, and so on until the slow ones are gone, each by
        its own deadline."""
        times = []
        while slow or not times:
            slow = {client: began for client, began in slow.items() if not is_gone(client) and self.drip(client)}
            late = [began for began in slow.values() if time.monotonic() > began + SLOW_TIMEOUT + TICK + SLACK]
            self.assertEqual(late, [], f"{len(late)} slow clients are still there")
            began = time.monotonic()
            with server.connect() as normal:
                self.assertEqual(normal.post().status, 200)
            times.append(time.monotonic() - began)
        return times

    @staticmethod
    def drip(client):
        try:
            client.send(b" ")
            return True
        except OSError:
            return False

    def test_a_body_over_the_budget_gets_503_until_there_is_room_again(self):
        longest = post(review_of_size(MAX_BODY))
        with Server(self.folder, "--body-budget", str(12 * MEBIBYTE)) as server:
            with server.connect() as holder, server.connect() as other:
                holder.send(longest[:-1])
                wait_until(lambda: server_has_read_all(server, holder), "the server holds the first body")
                response = other.ask(longest)
                self.assertEqual(response.status, 503, response.text)
                self.assertIn("busy", response.text)
                self.assertEqual(other.post().status, 200, "a small one still fits")
                self.assertEqual(holder.ask(longest[-1:]).status, 200)
                self.assertEqual(other.ask(longest).status, 200)
                self.assertEqual(holder.ask(longest).status, 200)

    def test_slow_clients_with_large_bodies_leave_room_for_small_reviews(self):
        with Server(self.folder, "--body-budget", str(10 * MEBIBYTE)) as server:
            holders = []
            try:
                # Ten mebibytes in buffers that are exactly full; without the bound nothing would be left.
                for size in [7 * MEBIBYTE, 2 * MEBIBYTE, MEBIBYTE]:
                    holders.append(server.connect())
                    holders[-1].send(post(review_of_size(size))[:-1])
                    wait_until(lambda: server_has_read_all(server, holders[-1]), "the server has read the body")
                with server.connect() as small:
                    self.assertEqual([small.post().status for _ in range(5)], [200] * 5)
                self.assertEqual(holders[0].ask(b" ").status, 200)
                self.assertEqual(holders[1].ask(b" ").status, 503)
            finally:
                for holder in holders:
                    holder.close()

    def test_bodies_that_are_broken_off_give_their_budget_back(self):
        longest = post(review_of_size(MAX_BODY))
        with Server(self.folder, "--body-budget", str(10 * MEBIBYTE)) as server:
            for _ in range(5):
                with server.connect() as client:
                    client.send(longest[:-1])
            with server.connect() as client:
                wait_until(lambda: client.ask(longest).status == 200, "the budget is free again")

    def test_the_413_arrives_every_time(self):
        too_long = post(review_of_size(2 * MAX_BODY))
        with Server(self.folder) as server:
            statuses = []
            for _ in range(20):
                with server.connect() as client:
                    statuses.append(client.ask(too_long).status)
            self.assertEqual(statuses, [413] * 20)

    @unittest.skipUnless(RELEASE_PROGRAM, "needs RPW_RELEASE_PROGRAM: AddressSanitizer keeps freed memory on purpose")
    def test_memory_is_given_back_after_huge_reviews(self):
        def resident():
            fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()
            return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

        huge = self.dense_review(MAX_BODY)
        command = [RELEASE_PROGRAM, *serve_command(self.folder, "--threads", "2")[1:]]
        with Server(self.folder, command=command) as server:
            clients = [server.connect() for _ in range(4)]
            try:
                for client in clients:
                    self.assertEqual(client.post().status, 200)
                before = resident()
                for _ in range(3):  # malloc treats large blocks in another way once it has seen one
                    for client in clients:
                        client.send(huge[:-1])
                    wait_until(lambda: resident() > before + 4 * (MAX_BODY - MEBIBYTE), "the bodies are in memory")
                    for client in clients:
                        self.assertEqual(client.ask(b" ").status, 200)
                # One body, or the arena of one huge review, would be more than this.
                wait_until(lambda: resident() < before + 4 * MEBIBYTE, "the memory is given back")
                self.assertEqual([client.post().status for client in clients], [200] * 4)
            finally:
                for client in clients:
                    client.close()

    @staticmethod
    def dense_review(size):
        """A request whose review is of size bytes, with so many variables that it takes many mebibytes of arena."""
        document = json.loads(review())
        container = document["request"]["object"]["spec"]["containers"][0]
        container["env"] = [{"name": f"V{i}", "value": "x"} for i in range(180000)]
        body = json.dumps(document).encode()
        return post(body + b" " * (size - len(body)))

    def test_without_free_file_descriptors_accepting_pauses_and_goes_on(self):
        with Server(self.folder) as server:
            pid = server.process.pid
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            with server.connect() as before:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (server.open_files(), limits[1]))
                with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
                    server.wait_for("accepting pauses")
                    used, began = server.cpu_seconds(), time.monotonic()
                    for _ in range(10):
                        self.assertEqual(before.post().status, 200)
                        time.sleep(0.1)
                    share = (server.cpu_seconds() - used) / (time.monotonic() - began)
                    self.assertLess(share, 0.5, "the accept thread spins")
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
                    with server.connect() as after:
                        self.assertEqual(after.post().status, 200)
                    raw.shutdown(socket.SHUT_WR)
                    wait_until(lambda: raw.recv(1) == b"", "the connection that waited was taken up, too")


if __name__ == "__main__":
    unittest.main()
