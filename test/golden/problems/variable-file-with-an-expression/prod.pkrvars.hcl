# of the release
version = var.release
