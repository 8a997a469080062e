"""A game as a local web page, by the standard library's HTTP server.

There is one world for all who look at the page; requests take turns.
"""

import ipaddress
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from experiments.figures import sprites
from experiments.playing import Game, Scene

_PAGE = Path(__file__).parent / 'figures' / 'play.html'
_POLICY = (
  "default-src 'none'; connect-src 'self'; img-src data:; frame-ancestors "
  "'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
_LONGEST = 1000
"""Bytes of a request's body, at most."""


class _RefusedError(Exception):
  """A request that is answered with a status and what is wrong."""


def server(
  game: Game, scene: Scene, facts: Mapping[str, Any], host: str, port: int
) -> ThreadingHTTPServer:
  """Returns a server that listens and does not yet answer.

  It answers to the page, `/`, to what does not change, `/facts`, to the scene,
  `/scene`, and to what changes it: `/step` with an action's name,
  `/episode` with a number, `/resample` and `/look`, which return it.

  Args:
    game: what is played.
    scene: the first.
    facts: `actions`, their names; `episodes`, how many there are; and what the
      page says beside.
    host: address to listen at. At a loopback address, requests that name
      another host are refused, so that no page of another site gets through.
    port: 0 for any that is free.
  """
  actions, turns = list(facts['actions']), threading.Lock()

  def step(scene: Scene, given: Mapping[str, Any]) -> Scene:
    return game.act(scene, actions.index(_one(given, 'action', actions)))

  def begin(_: Scene, given: Mapping[str, Any]) -> Scene:
    return game.begin(_one(given, 'number', range(facts['episodes'])))

  deeds = {
    '/step': step,
    '/episode': begin,
    '/resample': lambda scene, _: game.resample(scene),
    '/look': lambda scene, _: game.look(scene),
    '/scene': lambda scene, _: scene,
  }

  def play(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    nonlocal scene
    with turns:
      scene = deeds[path](scene, given)
      return view(scene)

  class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
      pages = {
        '/': lambda: _PAGE.read_text(encoding='utf-8'),
        '/facts': lambda: facts,
        '/scene': lambda: play('/scene', {}),
      }
      self.answer(lambda: _find(pages, self.path)())

    def do_POST(self) -> None:
      def act() -> dict[str, Any]:
        _find(deeds, self.path)
        return play(self.path, _read(self))

      self.answer(act)

    def answer(self, make: Callable[[], Any]) -> None:
      status = 200
      try:
        _check_sender(self, host)
        content = make()
      except _RefusedError as error:
        status, text = error.args
        content = {'error': text}
        self.close_connection = True  # Its body may not have been read.
      is_page = isinstance(content, str)
      body = (content if is_page else json.dumps(content)).encode()
      kind = 'text/html; charset=utf-8' if is_page else 'application/json'
      self.send_response(status)
      self.send_header('Content-Type', kind)
      self.send_header('Content-Length', str(len(body)))
      self.send_header('Content-Security-Policy', _POLICY)
      self.send_header('Cache-Control', 'no-store')
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
      """Is silent: the page shows what happens."""

  return ThreadingHTTPServer((host, port), Handler)


def view(scene: Scene) -> dict[str, Any]:
  """Returns what the page shows of a scene.

  Returns:
    episode, step and draw; imagined, the steps since the model saw a frame;
    truth and dream, a PNG in base64 each; error, the sum of squared
    differences; reward and guess, the true one and the model's, None if it has
    no head for it; over, whether the episode has ended.
  """
  truth = np.asarray(scene.world.obs['image'])
  prediction = {k: np.asarray(x)[0, 0] for k, x in scene.prediction.items()}
  image, guess = prediction['image'], prediction.get('reward')
  return {
    'episode': scene.episode,
    'step': scene.step,
    'draw': scene.draw,
    'imagined': len(scene.taken),
    'truth': _png(truth),
    'dream': _png(np.uint8(np.clip(image * 255 + 0.5, 0, 255))),
    'error': float(np.sum((truth / 255 - image) ** 2)),
    'reward': float(scene.world.reward),
    'guess': None if guess is None else float(guess),
    'over': bool(scene.world.done),
  }


def is_loopback(host: str) -> bool:
  """Returns whether an address or name is of this machine alone."""
  try:
    return ipaddress.ip_address(host).is_loopback
  except ValueError:
    return host == 'localhost'


def _png(frame: np.ndarray) -> str:
  return sprites.pack(frame[None])['sheets'][0]


def _find(found: Mapping[str, Any], path: str) -> Any:
  if path not in found:
    raise _RefusedError(
      404, f'nothing at {path!r}; there is {", ".join(found)}'
    )
  return found[path]


def _read(request: BaseHTTPRequestHandler) -> Mapping[str, Any]:
  """Returns the JSON object of a request's body."""
  length = request.headers.get('Content-Length', '0')
  if not length.isdecimal() or int(length) > _LONGEST:
    raise _RefusedError(
      400, f'body: got {length!r} bytes, need {_LONGEST} at most'
    )
  body = request.rfile.read(int(length))
  try:
    given = json.loads(body or '{}')
  except ValueError:
    given = None
  if not isinstance(given, dict):
    raise _RefusedError(400, f'body: got {body!r}, need a JSON object')
  return given


def _one(given: Mapping[str, Any], name: str, known: Sequence[Any]) -> Any:
  """Returns a field of a request that must be one of what is known."""
  value = given.get(name)
  if type(value) is not type(known[0]) or value not in known:
    need = ', '.join(map(str, known))
    raise _RefusedError(400, f'{name}: got {value!r}, need one of {need}')
  return value


def _check_sender(request: BaseHTTPRequestHandler, host: str) -> None:
  """Refuses requests that a page of another site may have sent.

  A name that leads here can be anyone's (DNS rebinding), so that the host has
  to be one that is this machine; and a page says where it is from.
  """
  named = request.headers.get('Host', '')
  own = {host, '127.0.0.1', 'localhost'}
  if is_loopback(host) and re.sub(r':\d+$', '', named) not in own:
    raise _RefusedError(403, f'host: got {named!r}, need {host}')
  origin = request.headers.get('Origin')
  if origin not in (None, f'http://{named}', f'https://{named}'):
    raise _RefusedError(403, f'origin: got {origin!r}, need http://{named}')
