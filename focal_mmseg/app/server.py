"""The server of the page."""

import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .models import Models
from .results import KINDS, Results

HOST, PORT = '127.0.0.1', 7860
# Of one file.
MOST_BYTES = 40 * 2**20
# Nothing is asked of another machine: the browser refuses it, whatever gradio's own page names.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; connect-src 'self'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)


def serve(
    host: str = HOST,
    port: int = PORT,
    config: str | None = None,
    checkpoint: str | None = None,
    device: str | None = None,
) -> None:
    """Serve the page until interrupted.

    Args:
        host (str): Address to listen at. Defaults to 127.0.0.1, this machine alone; at any other, models are those of
            this call and those that ship, and nobody names files of this machine.
        port (int): 0 takes one that is free. Defaults to 7860.
        config (str, optional): One more model than those that ship: its config.
        checkpoint (str, optional): Its weights. Defaults to those that the config names.
        device (str, optional): Defaults to ``'cuda'`` where there is one, else ``'cpu'``.

    Raises:
        ImportError: If gradio is not installed.
        OSError: If the port is taken, or there is no such address here.
        ValueError: If the model cannot be used.
    """
    listening = listen(host, port)
    # Uvicorn gives the signal on when it has stopped; by default that would end us before the uploads are gone.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with TemporaryDirectory(prefix='focal_mmseg-') as uploads:
            app = make_app(Models(config, checkpoint, device), uploads, local=_is_local(host))
            import uvicorn

            shown = f'[{host}]' if ':' in host else host
            print(f'focal_mmseg is at http://{shown}:{listening.getsockname()[1]} - stop it with Ctrl+C', flush=True)
            uvicorn.Server(uvicorn.Config(app, log_level='warning')).run(sockets=[listening])
    except KeyboardInterrupt:
        print('stopped', file=sys.stderr)
    finally:
        listening.close()


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def listen(host: str, port: int) -> socket.socket:
    """Take a port, before anything slow starts.

    Raises:
        OSError: If it is taken, or there is no such address here.
    """
    if not 0 <= port < 2**16:
        raise OSError(f'port {port} is none: choose one from 1024 to 65535, or 0 for one that is free')
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        raise OSError(
            f'cannot listen at {host}, port {port}: {error.strerror}. Another program may have the port: choose '
            'another with --port, or --port 0 for one that is free'
        ) from error
    return listening


def make_app(models: Models, uploads: str | Path, local: bool = True) -> Any:
    """The page as an application of FastAPI.

    Args:
        models (Models): That can be chosen.
        uploads (str | Path): Folder for what is being uploaded; the caller removes it.
        local (bool): Whether users may name a config and a checkpoint of this machine. Defaults to True.

    Raises:
        ImportError: If gradio is not installed.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_OFFLINE'] = '1'
    os.environ['GRADIO_TEMP_DIR'] = str(uploads)
    try:
        import gradio
        from fastapi import FastAPI, Request, Response
    except ImportError as error:
        raise ImportError(f"the page needs gradio: pip install 'focal_mmseg[app]' ({error})") from error
    from .page import CSS, HEAD, build_page, theme

    app, results = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), Results()

    @app.middleware('http')
    async def keep_to_this_machine(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers['Content-Security-Policy'] = POLICY
        response.headers['Referrer-Policy'] = 'no-referrer'
        return response

    @app.get('/results/{name}/{kind}')
    def result(name: str, kind: str, point: float = 0.5) -> Response:
        found = results.get(name)
        if found is None or kind not in KINDS or not 0 <= point <= 1:
            return Response('this result is gone: drop the image again', 404)
        # Kept by no browser after the tab is closed.
        return Response(found.render(kind, point), media_type=KINDS[kind], headers={'Cache-Control': 'no-store'})

    app.state.results = results
    page = build_page(models, results, local)
    return gradio.mount_gradio_app(
        app, page, path='/', max_file_size=MOST_BYTES, theme=theme(), css=CSS, head=HEAD, footer_links=[],
        ssr_mode=False, show_error=True, run_history=False,
    )  # fmt: skip


def _is_local(host: str) -> bool:
    """Whether an address is of this machine alone."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
