packer {
  required_plugins {
    docker = {
      source  = "github.com/hashicorp/docker"
      version = ">= 1.1.4"
    }
  }
}

variable "version" {
  type        = string
  default     = "1.0.0"
  description = "Release that goes into the image"
}

# web/docker
source "docker" "web" {
  image   = "nginx:1.25"
  commit  = true
  changes = ["EXPOSE 80"]
}

# web
build {
  name    = "web"
  sources = ["source.docker.web"]

  # web/file
  provisioner "file" {
    source      = "site/index.html"
    destination = "/usr/share/nginx/html/index.html"
  }

  # web/shell
  provisioner "shell" {
    inline = ["echo ${var.version} > /usr/share/nginx/html/version"]
  }

  # web/shell-2
  provisioner "shell" {
    script = "${path.root}/scripts/web-shell-2.sh"
  }

  # web/docker-tag
  post-processor "docker-tag" {
    repository = "example/web"
    tags       = [var.version, "latest"]
  }

  # web/manifest
  post-processor "manifest" {
    output = "manifest.json"
  }
}
