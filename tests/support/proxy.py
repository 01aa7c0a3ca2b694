"""A proxy between clients and a daemon, descriptors and all, that can be cut.

    with Proxy(listen, daemon) as proxy:
        proxy.cut()            # every connection, once
        proxy.close()          # and nobody listens
        proxy.open()           # again
"""

import os
import socket
import threading


class Proxy:
    def __init__(self, path, to):
        self.path, self._to = str(path), str(to)
        self._lock = threading.Lock()
        self._sockets, self._threads = [], []
        self._listener = None
        self.connections = 0  # since the start

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()
        for thread in self._threads:
            thread.join()

    def open(self):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        self._start(self._accept, self._listener)

    def close(self):
        if self._listener:
            os.unlink(self.path)
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept
            self._listener = None
        self.cut()

    def redirect(self, to):
        """Connections from now on lead there."""
        self._to = str(to)

    def cut(self):
        with self._lock:
            cut, self._sockets = self._sockets, []
        for one in cut:
            self._shut(one)  # ends both threads of it, which close

    def _start(self, work, *args):
        thread = threading.Thread(target=work, args=args)
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener):
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                daemon = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    daemon.connect(self._to)
                except OSError:  # nobody is there
                    daemon.close()
                    client.close()
                    continue
                with self._lock:
                    self._sockets += [client, daemon]
                    self.connections += 1
                done = threading.Barrier(2, action=lambda c=client, d=daemon:
                                         self._ended(c, d))
                self._start(self._forward, client, daemon, done)
                self._start(self._forward, daemon, client, done)

    def _ended(self, *both):
        with self._lock:
            self._sockets = [one for one in self._sockets if one not in both]
        for one in both:
            one.close()

    @staticmethod
    def _forward(source, to, done):
        try:
            while True:
                data, fds, _, _ = socket.recv_fds(source, 1 << 16, 64)
                if not data:
                    break
                sent = socket.send_fds(to, [data], fds) if fds else to.send(data)
                for fd in fds:
                    os.close(fd)
                to.sendall(data[sent:])
        except OSError:
            pass  # it was cut
        for one in source, to:
            Proxy._shut(one)
        done.wait()

    @staticmethod
    def _shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already
