"""How a served process ends: what was begun is finished first, and whoever asks twice does not wait for it."""

import os
import signal
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess


class Server(uvicorn.Server):
    """One process. It ends with 0, where uvicorn alone would end by the signal it was sent."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Accept no more and finish what was begun; asked a second time, end at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True


class Workers(Multiprocess):
    """Several processes behind one address, which end as one does."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config, [config.bind_socket()])
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Pass it on to the workers; asked a second time, end them at once."""
        if self.signal_queue or self.should_exit.is_set():
            for process in self.processes:
                process.kill()
            os._exit(128 + sig)
        self.signal_queue.append(sig)

    def terminate_all(self) -> None:
        """Ask every worker to end."""
        for listening in self.sockets:
            listening.close()  # held here, it would go on taking connections that nobody answers
        super().terminate_all()
