"""Two instances behind clients that follow /readyz, as behind a Service: a restart of either fails no request."""
import itertools
import threading
import time
import unittest

from server_support import BusyClient, MountedFolder
from support import PATIENCE, Server, wait_until

CLIENTS = 8
RESTARTS = 10  # of each instance


class Replicas:
    """Two running instances, and who of them is ready. A restarted one has new ports, as a new pod has."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = [self.start(), self.start()]
        self.ready = []
        self.turn = itertools.count()
        self.wants_end = False
        self.follower = threading.Thread(target=self.follow)
        self.follower.start()

    def start(self):
        server = Server(self.folder, "--drain-delay", "1s")
        server.context = self.folder.context()
        return server

    @staticmethod
    def is_ready(server):
        try:
            return server.get_ops("/readyz").status == 200
        except OSError:
            return False

    def follow(self):
        while not self.wants_end:
            self.ready = [server for server in self.servers if self.is_ready(server)]
            time.sleep(0.02)

    def connect(self):
        """To one that is ready, in turns. If it no longer listens, another: nothing has been asked of it yet."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ready = self.ready
            if ready:
                try:
                    return ready[next(self.turn) % len(ready)].connect()
                except ConnectionRefusedError:
                    pass
        raise ConnectionError("no instance is ready")

    def restart(self, index):
        old = self.servers[index]
        old.signal()
        code = old.wait()
        old.kill()
        self.servers[index] = self.start()
        wait_until(lambda: self.servers[index] in self.ready, "the new instance is found")
        return code

    def stop(self):
        self.wants_end = True
        self.follower.join()
        for server in self.servers:
            server.__exit__()


class Restarts(unittest.TestCase):
    def test_ten_restarts_of_each_of_two_instances_under_load_fail_no_request(self):
        folder = MountedFolder()
        self.addCleanup(folder.remove)
        replicas = Replicas(folder)
        self.addCleanup(replicas.stop)
        wait_until(lambda: len(replicas.ready) == 2, "both are ready")
        clients = [BusyClient(replicas.connect) for _ in range(CLIENTS)]
        try:
            for i in range(2 * RESTARTS):
                before = [client.answered for client in clients]
                self.assertEqual(replicas.restart(i % 2), 0)
                wait_until(lambda: all(client.answered > count or client.failures
                                       for client, count in zip(clients, before)), "all clients are served on")
        finally:
            for client in clients:
                client.stop()
        self.assertEqual([client.failures for client in clients], [[]] * CLIENTS)


if __name__ == "__main__":
    unittest.main()
