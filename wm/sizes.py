"""Sizes that cannot be, refused by the name that a gin file gives them."""

import numbers


def positive(owner: str, **sizes: int) -> None:
  """Refuses what is no integer above zero.

  Args:
    owner: whose arguments they are, as gin says it, such as `s4.s4`.
    **sizes: by name.

  Raises:
    ValueError: naming the first that cannot be.
  """
  for size, value in sizes.items():
    if not isinstance(value, numbers.Integral) or value < 1:
      raise ValueError(
        f'{_module(owner)}: {size} must be a positive integer; got {value!r}; '
        f'change {owner}.{size}'
      )


def even(owner: str, **sizes: int) -> None:
  """Refuses odd sizes; arguments as of `positive`."""
  for size, value in sizes.items():
    if value % 2:
      raise ValueError(
        f'{_module(owner)}: {size} must be even; got {value}; change '
        f'{owner}.{size}'
      )


def _module(owner):
  return owner.partition('.')[0]
