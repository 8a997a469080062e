"""Packaging: `pip install -e .` exposes the library `wm` and nothing else."""

import setuptools

# Lower bounds are the oldest versions that the tests have run with. An upper
# bound stands only where a newer version is known to break something.
_REQUIRED = (
  'absl-py>=2.5',
  'array-record>=0.8.6',
  'brax>=0.14.2',
  'flax>=0.12.8',
  'gin-config>=0.5.0',
  'grain>=0.2.18',
  'imageio>=2.38',
  'imageio-ffmpeg>=0.8.1',
  'importlib_resources>=7.1',  # TFDS imports it without asking for it.
  'jax>=0.10.2',
  'jaxtyping>=0.3.11',
  'matplotlib>=3.11',
  # MuJoCo 4 lost names that dm_control's simulators read.
  'mujoco>=3.17,<4',
  'mujoco-mjx>=3.17,<4',
  'numpy>=2.4',
  'optax>=0.2.8',
  'orbax-checkpoint>=0.12.8',
  'pillow>=13.0',
  'rich>=15.0',
  'tensorboardX>=2.6.5',
  'tensorflow-datasets>=4.9.10',  # Neither writing nor reading needs TF.
  'tqdm>=4.70',
)

setuptools.setup(
  name='s4wm',
  version='0.1.0',
  description='World-model backbones as tuples of pure functions, in JAX.',
  license='Apache-2.0',
  license_files=['LICENSE'],
  python_requires='>=3.11',
  packages=setuptools.find_namespace_packages(include=['wm', 'wm.*']),
  install_requires=_REQUIRED,
  extras_require={
    'test': (
      'beartype>=0.23',
      'memax>=0.1.1',  # Its LRU is an oracle of the scan, and a yardstick.
      'minigrid>=3.2',  # Its pictures are an oracle of the grid worlds.
      'playwright>=1.60',  # Drives a Chromium, where there is one.
      'pytest>=9.2',
      'pytest-xdist>=3.8',
      'ruff>=0.17',
      'scipy>=1.17',
      'tensorboard>=2.21',  # Reads the event files back.
    ),
    # The real environment; ours needs none of it. It imports gym, which it does
    # not ask for. (A hyphen: older versions of pip do not find an underscore.)
    'memory-maze': (
      'dm-control>=1.0.50',
      'gym==0.26.2',
      'memory-maze>=1.0.3',
    ),
    'gpu': ('jax[cuda12]>=0.10.2',),
    'tpu': ('jax[tpu]>=0.10.2',),
  },
)
