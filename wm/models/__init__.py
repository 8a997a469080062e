"""World models: latents, observation, imagination and losses put together."""
