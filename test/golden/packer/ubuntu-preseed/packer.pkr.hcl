packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.4"
    }
    vagrant = {
      source  = "github.com/hashicorp/vagrant"
      version = ">= 1.1.7"
    }
    virtualbox = {
      source  = "github.com/hashicorp/virtualbox"
      version = ">= 1.1.5"
    }
  }
}

variable "compression" {
  type        = number
  default     = 6
  description = "How hard the box is packed"

  validation {
    condition     = contains([1, 6, 9], var.compression)
    error_message = "One of 1, 6, 9."
  }
}

variable "cpus" {
  type    = number
  default = 2
}

variable "headless" {
  type        = bool
  default     = true
  description = "Whether the machine has no window"
}

variable "mirror" {
  type        = string
  default     = "http://releases.ubuntu.com"
  description = "Where the installer comes from"
}

# ubuntu/qemu
source "qemu" "ubuntu" {
  accelerator = "kvm"
  boot_command = [
    "<enter><wait><f6><wait><esc><wait>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "/install/vmlinuz noapic initrd=/install/initrd.gz ",
    "preseed/url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg ",
    "debian-installer=en_US auto locale=en_US kbd-chooser/method=us ",
    "hostname=ubuntu fb=false debconf/frontend=noninteractive <enter>",
  ]
  boot_wait        = "5s"
  cpus             = var.cpus
  disk_size        = "65536M"
  format           = "qcow2"
  headless         = var.headless
  http_directory   = "http"
  iso_checksum     = "sha256:f5cbb8104348f0097a8e513b10173a07dbc6684595e331cb06f93f385d0aecf6"
  iso_url          = "${var.mirror}/18.04/ubuntu-18.04.6-server-amd64.iso"
  memory           = 1024
  output_directory = "output/qemu"
  qemuargs         = [["-display", "none"]]
  shutdown_command = "echo 'vagrant' | sudo -S shutdown -P now"
  ssh_password     = "vagrant"
  ssh_timeout      = "1h"
  ssh_username     = "vagrant"
}

# ubuntu/virtualbox-iso
source "virtualbox-iso" "ubuntu" {
  boot_command = [
    "<enter><wait><f6><wait><esc><wait>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>",
    "/install/vmlinuz noapic initrd=/install/initrd.gz ",
    "preseed/url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg ",
    "debian-installer=en_US auto locale=en_US kbd-chooser/method=us ",
    "hostname=ubuntu fb=false debconf/frontend=noninteractive <enter>",
  ]
  boot_wait            = "5s"
  disk_size            = 65536
  guest_additions_path = "VBoxGuestAdditions_{{.Version}}.iso"
  guest_os_type        = "Ubuntu_64"
  hard_drive_interface = "sata"
  headless             = var.headless
  http_directory       = "http"
  iso_checksum         = "sha256:f5cbb8104348f0097a8e513b10173a07dbc6684595e331cb06f93f385d0aecf6"
  iso_url              = "${var.mirror}/18.04/ubuntu-18.04.6-server-amd64.iso"
  output_directory     = "output/virtualbox"
  shutdown_command     = "echo 'vagrant' | sudo -S shutdown -P now"
  ssh_password         = "vagrant"
  ssh_timeout          = "1h"
  ssh_username         = "vagrant"
  vboxmanage = [
    ["modifyvm", "{{ .Name }}", "--memory", "1024"],
    ["modifyvm", "{{.Name}}", "--cpus", var.cpus],
  ]
  virtualbox_version_file = ".vbox_version"
}

# ubuntu
build {
  name        = "ubuntu"
  description = "Ubuntu from its installer, for two hypervisors"
  sources     = ["source.qemu.ubuntu", "source.virtualbox-iso.ubuntu"]

  # ubuntu/shell
  provisioner "shell" {
    pause_before = "10s"

    environment_vars  = ["HOME_DIR=/home/vagrant", "DEBIAN_FRONTEND=noninteractive"]
    execute_command   = "echo 'vagrant' | {{ .Vars }} sudo -S -E sh -eux '{{ .Path }}'"
    expect_disconnect = true
    scripts           = ["scripts/update.sh", "scripts/vagrant.sh"]
  }

  # ubuntu/shell-2
  provisioner "shell" {
    only = ["virtualbox-iso.ubuntu"]

    script = "scripts/virtualbox.sh"
  }

  # ubuntu/shell-3
  provisioner "shell" {
    inline = [
      <<EOT
rm -rf /tmp/*
for log in /var/log/*.log; do
  : > "$${log}"
done
EOT
      ,
    ]
  }

  # ubuntu/vagrant
  post-processor "vagrant" {
    compression_level = var.compression
    output            = "builds/ubuntu-{{.Provider}}.box"
  }
}
