packer {
  required_plugins {
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = ">= 1.1.6"
    }
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = ">= 1.4.1"
    }
  }
}

variable "ansible_tags" {
  type    = string
  default = "all"
}

variable "api_token" {
  type        = string
  description = "Token of DigitalOcean"
  sensitive   = true
}

# runner/digitalocean
source "digitalocean" "runner" {
  api_token     = var.api_token
  image         = "ubuntu-20-04-x64"
  region        = "fra1"
  size          = "s-1vcpu-1gb"
  snapshot_name = "runner-{{timestamp}}"
  ssh_username  = "root"
  tags          = ["build"]
}

# runner
build {
  name    = "runner"
  sources = ["source.digitalocean.runner"]

  # runner/shell-local
  provisioner "shell-local" {
    command          = "ansible-galaxy install -r requirements.yml -p roles"
    environment_vars = ["ANSIBLE_NOCOLOR=1"]
  }

  # runner/shell
  provisioner "shell" {
    inline = ["until [ -e /var/lib/cloud/instance/boot-finished ]; do sleep 1; done"]
  }

  # runner/ansible
  provisioner "ansible" {
    ansible_env_vars = ["ANSIBLE_HOST_KEY_CHECKING=False"]
    extra_arguments = [
      "--tags",
      var.ansible_tags,
      "--extra-vars",
      "{\"packages\": [\"git\", \"curl\"]}",
    ]
    groups        = ["runners"]
    playbook_file = "playbook.yml"
    user          = "root"
  }

  # runner/file
  provisioner "file" {
    destination = "/tmp/playbooks"
    source      = "playbooks/"
  }

  # runner/ansible-local
  provisioner "ansible-local" {
    extra_arguments = ["--tags=${var.ansible_tags}"]
    playbook_file   = "local.yml"
  }
}
