"""How the service is built, tested and run: commands, CI, images, manifests, health."""
