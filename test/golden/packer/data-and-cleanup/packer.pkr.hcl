packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.8.2"
    }
    scan = {
      source  = "github.com/acme/scan"
      version = "~> 2"
    }
  }
}

variable "cidrs" {
  type    = list(string)
  default = ["10.0.0.0/8"]
}

variable "hardened" {
  type    = bool
  default = false
}

variable "owner" {
  type        = string
  default     = "136693071363"
  description = "Account whose images are taken"

  validation {
    condition     = can(regex("^\\d{12}$", var.owner))
    error_message = "Text that matches ^\\d{12}$."
  }

  validation {
    condition     = length(var.owner) >= 12 && length(var.owner) <= 12
    error_message = "Exactly 12 long."
  }
}

variable "token" {
  type        = string
  description = "What stands in the file /run/secrets/token.txt."
  sensitive   = true
}

locals {
  run_uuid = uuidv4()
}

# debian
data "amazon-ami" "debian" {
  filters = {
    name                = "debian-12-amd64-*"
    virtualization-type = "hvm"
  }
  most_recent = true
  owners      = [var.owner]
  region      = "eu-central-1"
}

# licence
data "amazon-secretsmanager" "licence" {
  key    = "key"
  name   = "licence"
  region = "eu-central-1"
}

# web/amazon-ebs
source "amazon-ebs" "web" {
  ami_name                              = "web-${local.run_uuid}"
  instance_type                         = var.hardened ? "t3.large" : "t3.small"
  region                                = "eu-central-1"
  source_ami                            = data.amazon-ami.debian.id
  ssh_username                          = "admin"
  temporary_security_group_source_cidrs = var.cidrs
}

# web
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]

  # web/shell
  provisioner "shell" {
    env = {
      LICENCE = data.amazon-secretsmanager.licence.value
      TOKEN   = var.token
    }
    inline = ["./install.sh"]
  }

  # web/shell-local
  provisioner "shell-local" {
    inline = ["./announce.sh"]
  }

  # web/shell-local: pauseAfter
  provisioner "sleep" {
    duration = "30s"
  }

  # web/acme-scan
  provisioner "acme-scan" {
    level = 3

    report {
      format = "sarif"
    }
  }

  # web/shell-2
  error-cleanup-provisioner "shell" {
    inline = ["journalctl -b > /tmp/journal.txt"]
  }
}
