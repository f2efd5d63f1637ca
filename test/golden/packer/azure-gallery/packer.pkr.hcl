packer {
  required_plugins {
    azure = {
      source  = "github.com/hashicorp/azure"
      version = ">= 2.6.3"
    }
  }
}

variable "arm_client_secret" {
  type      = string
  default   = env("ARM_CLIENT_SECRET")
  sensitive = true
}

variable "client_id" {
  type        = string
  description = "Application that builds"
}

variable "resource_group" {
  type    = string
  default = "images"
}

variable "version" {
  type    = string
  default = "1.0.0"
}

# web/azure-arm
source "azure-arm" "web" {
  azure_tags = {
    dept = "engineering"
    task = "image"
  }
  client_id                         = var.client_id
  client_secret                     = var.arm_client_secret
  image_offer                       = "UbuntuServer"
  image_publisher                   = "Canonical"
  image_sku                         = "18.04-LTS"
  location                          = "westeurope"
  managed_image_name                = "web-${var.version}"
  managed_image_resource_group_name = var.resource_group
  os_type                           = "Linux"
  subscription_id                   = "a5b9f1c0-0000-4000-8000-000000000001"
  tenant_id                         = "a5b9f1c0-0000-4000-8000-000000000002"
  vm_size                           = "Standard_DS2_v2"

  shared_image_gallery_destination {
    gallery_name        = "gallery"
    image_name          = "web"
    image_version       = var.version
    replication_regions = ["westeurope", "northeurope"]
    resource_group      = var.resource_group
    subscription        = "a5b9f1c0-0000-4000-8000-000000000001"
  }
}

# web
build {
  name    = "web"
  sources = ["source.azure-arm.web"]

  # web/shell
  provisioner "shell" {
    execute_command = "chmod +x {{ .Path }}; {{ .Vars }} sudo -E sh '{{ .Path }}'"
    inline = [
      "apt-get update",
      "apt-get upgrade -y",
      "/usr/sbin/waagent -force -deprovision+user && export HISTSIZE=0 && sync",
    ]
    inline_shebang = "/bin/sh -x"
  }
}
