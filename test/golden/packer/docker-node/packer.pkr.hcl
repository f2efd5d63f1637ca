packer {
  required_plugins {
    docker = {
      source  = "github.com/hashicorp/docker"
      version = ">= 1.1.4"
    }
  }
}

variable "node" {
  type    = string
  default = "20"
}

variable "registry_password" {
  type      = string
  default   = env("REGISTRY_PASSWORD")
  sensitive = true
}

# service/docker
source "docker" "service" {
  changes = [
    "WORKDIR /srv/app",
    "USER node",
    "ENV NODE_ENV=production",
    "EXPOSE 3000",
    "ENTRYPOINT [\"node\", \"server.js\"]",
  ]
  commit = true
  image  = "node:${var.node}-bookworm-slim"
}

# service
build {
  name    = "service"
  sources = ["source.docker.service"]

  # service/shell
  provisioner "shell" {
    inline = ["mkdir -p /srv/app"]
  }

  # service/file
  provisioner "file" {
    destination = "/srv/app"
    source      = "app/"
  }

  # service/shell-2
  provisioner "shell" {
    inline = ["cd /srv/app", "npm ci --omit=dev", "chown -R node:node ."]
  }

  post-processors {
    # service/docker-tag
    post-processor "docker-tag" {
      repository = "registry.example/service"
      tags       = ["latest", var.node]
    }

    # service/docker-push
    post-processor "docker-push" {
      login          = true
      login_password = var.registry_password
      login_server   = "registry.example"
      login_username = "ci"
    }
  }
}
