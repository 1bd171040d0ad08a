"""A TCP proxy between ranks and lehrd that does to connections what networks do."""

import asyncio
import contextlib
import random
import socket
import struct
import threading

from processes import free_port


class Proxy(threading.Thread):
    """Forwards to `target` (HOST:PORT). The attributes may change at any time, from any thread."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target = target
        self.address = f"127.0.0.1:{free_port()}"
        # Mean and greatest deviation. Unit: seconds.
        self.delay = 0.0
        self.jitter = 0.0
        # Directions, "up" or "down", in which bytes do not arrive until they are let through.
        self.stalled = set()
        # Whether connections are reset, each in the middle of the next message.
        self.resetting = False
        self.resets = 0
        self.pairs = set()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()

    def begin(self, place):
        self.start()
        self.ready.wait()
        place.callback(self.end)
        return self

    def run(self):
        asyncio.set_event_loop(self.loop)
        host, port = self.address.split(":")
        self.loop.run_until_complete(asyncio.start_server(self.connect, host, int(port)))
        self.ready.set()
        self.loop.run_forever()

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()

    def lose_server(self):
        """Ends the connections of now towards lehrd, of which the ranks are not told: half-open ones."""
        asyncio.run_coroutine_threadsafe(self.half_open(), self.loop).result()

    async def half_open(self):
        for pair in list(self.pairs):
            pair.half_open = True
            pair.server.transport.abort()

    async def connect(self, reader, writer):
        host, port = self.target.split(":")
        try:
            server_reader, server = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        pair = Pair(writer, server)
        self.pairs.add(pair)
        await asyncio.gather(self.pump(pair, "up", reader, server), self.pump(pair, "down", server_reader, writer))
        self.pairs.discard(pair)

    async def pump(self, pair, direction, reader, writer):
        queue = asyncio.Queue()
        sender = asyncio.ensure_future(self.send(pair, direction, queue, writer))
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                late = self.delay + random.uniform(-self.jitter, self.jitter)
                queue.put_nowait((self.loop.time() + late, data))
        queue.put_nowait(None)
        await sender
        if not pair.half_open:
            pair.client.transport.abort()
            pair.server.transport.abort()

    async def send(self, pair, direction, queue, writer):
        while item := await queue.get():
            due, data = item
            while direction in self.stalled or self.loop.time() < due:
                await asyncio.sleep(0.005)
            if self.resetting and len(data) > 1:
                self.resets += 1
                writer.write(data[:len(data) // 2])
                pair.reset()
                return
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()


class Pair:
    """A connection from a rank, and the one to lehrd that goes with it."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.half_open = False

    def reset(self):
        for writer in (self.client, self.server):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                           struct.pack("ii", 1, 0))
            writer.transport.abort()
