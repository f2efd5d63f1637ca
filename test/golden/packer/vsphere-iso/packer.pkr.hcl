packer {
  required_plugins {
    vsphere = {
      source  = "github.com/vmware/vsphere"
      version = ">= 2.0.0"
    }
  }
}

variable "datastore" {
  type    = string
  default = "nfs-1"
}

variable "vcenter_password" {
  type      = string
  sensitive = true
}

variable "vcenter_server" {
  type    = string
  default = "vcenter.example"
}

# ubuntu/vsphere-iso
source "vsphere-iso" "ubuntu" {
  CPU_hot_plug    = true
  CPUs            = 2
  RAM             = 4096
  RAM_reserve_all = true
  boot_command = [
    "<enter><wait><f6><wait><esc><wait>",
    "/install/vmlinuz",
    " initrd=/install/initrd.gz",
    " priority=critical",
    " locale=en_US",
    " file=/media/preseed.cfg",
    "<enter>",
  ]
  cluster = "build"
  configuration_parameters = {
    "disk.EnableUUID" = "true"
  }
  convert_to_template  = true
  datacenter           = "dc"
  datastore            = var.datastore
  disk_controller_type = ["pvscsi"]
  floppy_files         = ["preseed.cfg"]
  folder               = "Templates"
  guest_os_type        = "ubuntu64Guest"
  insecure_connection  = true
  iso_paths            = ["[${var.datastore}] iso/ubuntu-18.04.3-server-amd64.iso"]
  notes                = "Built by Packer.\nDo not change by hand."
  password             = var.vcenter_password
  ssh_password         = "jetbrains"
  ssh_username         = "jetbrains"
  username             = "packer@vsphere.local"
  vcenter_server       = var.vcenter_server
  vm_name              = "ubuntu-18.04"

  network_adapters {
    network      = "VM Network"
    network_card = "vmxnet3"
  }

  storage {
    disk_size             = 32768
    disk_thin_provisioned = true
  }
}

# ubuntu
build {
  name    = "ubuntu"
  sources = ["source.vsphere-iso.ubuntu"]

  # ubuntu/shell
  provisioner "shell" {
    inline = ["ls /"]
  }
}
