packer {
  required_plugins {
    vagrant = {
      source  = "github.com/hashicorp/vagrant"
      version = ">= 1.1.7"
    }
    virtualbox = {
      source  = "github.com/hashicorp/virtualbox"
      version = ">= 1.1.5"
    }
    vmware = {
      source  = "github.com/vmware/vmware"
      version = ">= 2.1.0"
    }
  }
}

variable "box_version" {
  type    = string
  default = "202601.0.0"
}

variable "cloud_token" {
  type        = string
  description = "Token of Vagrant Cloud"
  sensitive   = true
}

# dev/vbox
source "virtualbox-ovf" "dev-vbox" {
  guest_additions_mode = "attach"
  shutdown_command     = "echo 'vagrant' | sudo -S poweroff"
  source_path          = "base/dev.ovf"
  ssh_password         = "vagrant"
  ssh_username         = "vagrant"
  vm_name              = "dev"
}

# dev/fusion
source "vmware-vmx" "dev-fusion" {
  shutdown_command = "echo 'vagrant' | sudo -S poweroff"
  source_path      = "base/dev.vmx"
  ssh_password     = "vagrant"
  ssh_username     = "vagrant"
}

# dev
build {
  name    = "dev"
  sources = ["source.virtualbox-ovf.dev-vbox", "source.vmware-vmx.dev-fusion"]

  # dev/shell
  provisioner "shell" {
    except = ["vmware-vmx.dev-fusion"]

    inline = ["sudo apt-get update"]
  }

  # dev/shell
  provisioner "shell" {
    only = ["vmware-vmx.dev-fusion"]

    inline = ["sudo apt-get install -y open-vm-tools"]
  }

  # dev/shell-2
  provisioner "shell" {
    except = ["vmware-vmx.dev-fusion"]

    script = "minimize.sh"
  }

  post-processors {
    # dev/vagrant
    post-processor "vagrant" {
      include = ["info.json"]
      output  = "boxes/dev-{{.Provider}}.box"
    }

    # dev/vagrant-cloud
    post-processor "vagrant-cloud" {
      access_token        = var.cloud_token
      box_tag             = "example/dev"
      no_release          = true
      version             = var.box_version
      version_description = "Built as ${var.box_version}"
    }
  }

  # dev/checksum
  post-processor "checksum" {
    only = ["virtualbox-ovf.dev-vbox"]

    checksum_types = ["sha1", "sha256"]
    output         = "boxes/dev_{{.ChecksumType}}.checksum"
  }
}
