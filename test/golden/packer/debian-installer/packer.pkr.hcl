packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.4"
    }
  }
}

variable "mirror" {
  type        = string
  default     = "https://cdimage.debian.org/debian-cd/current/amd64/iso-cd"
  description = "Where the installer comes from"
}

variable "root_password" {
  type      = string
  default   = env("ROOT_PASSWORD")
  sensitive = true
}

# debian/qemu
source "qemu" "debian" {
  ssh_username = "root"
  ssh_password = var.root_password
  ssh_timeout  = "30m"
  iso_url      = "${var.mirror}/debian-12-amd64-netinst.iso"
  iso_checksum = "sha256:7f7fbb1f0f1b1f5e3f4f1b7d8d1b0b5f1e0e1c1d3c2b7f3c9d9b1a2c3d4e5f60"
  boot_command = [
    "<esc><wait>",
    "auto url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg<enter>",
  ]
  boot_wait          = "5s"
  http_directory     = "http"
  vnc_use_password   = true
  shutdown_command   = "shutdown -P now"
  disk_size          = "20G"
  memory             = 2048
  cpus               = 2
  disk_cache         = "unsafe"
  disk_discard       = "unmap"
  disk_detect_zeroes = "unmap"
  headless           = true
  qemuargs           = [["-device", "virtio-rng-pci"]]
}

# debian
build {
  name        = "debian"
  description = "Debian from its installer"
  sources     = ["source.qemu.debian"]

  # debian/file
  provisioner "file" {
    source      = "site/index.html"
    destination = "/srv/www/"
  }

  # debian/shell
  provisioner "shell" {
    pause_before = "10s"
    max_retries  = 2

    inline = ["apt-get update", "apt-get install -y nginx-light"]
  }

  # debian/manifest
  post-processor "manifest" {
    output     = "output/manifest.json"
    strip_path = true
  }
}
