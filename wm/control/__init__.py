"""World models as environments that policies learn and act in."""
