packer {
  required_plugins {
    proxmox = {
      source  = "github.com/hashicorp/proxmox"
      version = ">= 1.2.4"
    }
    puppet = {
      source  = "github.com/hashicorp/puppet"
      version = ">= 1.0.1"
    }
    salt = {
      source  = "github.com/hashicorp/salt"
      version = ">= 1.0.0"
    }
  }
}

variable "proxmox_password" {
  type      = string
  default   = env("PROXMOX_PASSWORD")
  sensitive = true
}

variable "role" {
  type    = string
  default = "app"
}

# app/proxmox-clone
source "proxmox-clone" "app" {
  clone_vm                 = "debian-template"
  cloud_init               = true
  cloud_init_storage_pool  = "local-lvm"
  cores                    = 2
  insecure_skip_tls_verify = true
  memory                   = 2048
  node                     = "pve"
  password                 = var.proxmox_password
  proxmox_url              = "https://proxmox.example:8006/api2/json"
  ssh_username             = "debian"
  username                 = "build@pve"
  vm_name                  = "app"

  network_adapters {
    bridge = "vmbr0"
    model  = "virtio"
  }
}

# app/proxmox-iso
source "proxmox-iso" "app" {
  boot_command = [
    "<esc><wait>",
    "auto url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg<enter>",
  ]
  http_directory           = "http"
  insecure_skip_tls_verify = true
  iso_file                 = "local:iso/debian-10.iso"
  node                     = "pve"
  password                 = var.proxmox_password
  proxmox_url              = "https://proxmox.example:8006/api2/json"
  ssh_password             = "debian"
  ssh_timeout              = "30m"
  ssh_username             = "debian"
  template_description     = "The role ${var.role}"
  unmount_iso              = true
  username                 = "build@pve"
  vm_name                  = "app-iso"

  disks {
    disk_size         = "20G"
    storage_pool      = "local-lvm"
    storage_pool_type = "lvm"
    type              = "scsi"
  }

  network_adapters {
    bridge = "vmbr0"
    model  = "virtio"
  }
}

# app
build {
  name    = "app"
  sources = ["source.proxmox-clone.app", "source.proxmox-iso.app"]

  # app/shell
  provisioner "shell" {
    inline = [
      "wget -qO /tmp/puppet.deb https://apt.puppet.com/puppet7-release-buster.deb",
      "sudo dpkg -i /tmp/puppet.deb",
      "sudo apt-get update",
      "sudo apt-get install -y puppet-agent",
    ]
  }

  # app/puppet-masterless
  provisioner "puppet-masterless" {
    except = ["proxmox-iso.app"]

    facter = {
      role = var.role
    }
    hiera_config_path = "hiera.yaml"
    manifest_file     = "manifests/site.pp"
    module_paths      = ["modules"]
  }

  # app/puppet-server
  provisioner "puppet-server" {
    only = ["proxmox-iso.app"]

    extra_arguments = ["--pluginsync"]
    puppet_node     = "app"
    puppet_server   = "puppet.example"
  }

  # app/salt-masterless
  provisioner "salt-masterless" {
    local_state_tree = "salt"
    minion_config    = "minion"
  }
}
