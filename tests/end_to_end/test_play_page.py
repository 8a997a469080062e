"""The page of the play program in a browser, by keyboard and mouse."""

import re
import shutil

import pytest
from playwright import sync_api

from tests.end_to_end import runs

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
SHIPPED = runs.ROOT / 'docs/results/checkpoints/hallway_100_s5wm'
QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
expect = sync_api.expect

pytestmark = pytest.mark.skipif(
  not CHROMIUM, reason='no Chromium to open the page with'
)


@pytest.fixture(scope='module')
def page():
  """The page of a shipped model, and what went wrong on it."""
  with runs.playing(SHIPPED) as port, sync_api.sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    page, troubles = browser.new_page(), []
    page.on('pageerror', lambda error: troubles.append(str(error)))
    page.goto(f'http://127.0.0.1:{port}/')
    yield page
    browser.close()
  assert not troubles


def step(page):
  return int(re.match(r'\d+', page.locator('#step').inner_text())[0])


def shows(page, step):
  """Waits for a step; keys that come before are lost."""
  expect(page.locator('#step')).to_have_text(re.compile(f'^{step}'))


def test_a_key_is_a_step_in_both_worlds(page):
  expect(page.locator('#kind')).to_have_text('Reconstructed')
  start = step(page)
  frames = {name: page.locator(f'#{name}') for name in ('truth', 'dream')}
  before = {name: x.get_attribute('src') for name, x in frames.items()}
  for further, key in enumerate(['ArrowRight', '1', 'ArrowUp'], 1):
    page.keyboard.press(key)
    shows(page, start + further)
    expect(page.locator('#kind')).to_have_text('Imagined')
    expect(page.locator('#since')).to_contain_text(f'step {further} since')
  for name, x in frames.items():
    assert x.get_attribute('src') != before[name]
    assert x.evaluate('image => image.decode().then(() => image.naturalWidth)')


def test_a_look_shows_the_model_the_frame(page):
  start = step(page)
  page.keyboard.press('ArrowLeft')
  shows(page, start + 1)
  page.keyboard.press('l')
  expect(page.locator('#kind')).to_have_text('Reconstructed')


def test_buttons_do_as_keys_do(page):
  start = step(page)
  page.get_by_role('button', name='right').click()
  shows(page, start + 1)
  page.get_by_role('button', name='resample').click()
  expect(page.locator('#since')).to_contain_text('draw 2')
  page.get_by_role('button', name='new episode').click()
  expect(page.locator('#episode')).to_have_text(re.compile('^2'))


def test_a_narrow_screen_is_wide_enough(page):
  page.set_viewport_size({'width': 360, 'height': 740})
  wide = page.evaluate('document.documentElement.scrollWidth')
  assert wide <= 360
