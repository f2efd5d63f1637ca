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

variable "iso_url" {
  type    = string
  default = "https://software.example/windows-2019.iso"
}

variable "winrm_password" {
  type        = string
  description = "Password of the user vagrant, as Autounattend.xml sets it"
  sensitive   = true
}

# windows-2019/virtualbox-iso
source "virtualbox-iso" "windows-2019" {
  boot_wait    = "2m"
  communicator = "winrm"
  disk_size    = 61440
  floppy_files = [
    "answer_files/2019/Autounattend.xml",
    "scripts/enable-winrm.ps1",
    "scripts/fixnetwork.ps1",
  ]
  guest_additions_mode = "disable"
  guest_os_type        = "Windows2016_64"
  headless             = true
  iso_checksum         = "sha256:549bca46c055157291be6c22a3aaaed8330e78ef4382c99ee82c896426a1cee1"
  iso_url              = var.iso_url
  shutdown_command     = "shutdown /s /t 10 /f /d p:4:1 /c \"Packer Shutdown\""
  vboxmanage = [
    ["modifyvm", "{{.Name}}", "--memory", "2048"],
    ["modifyvm", "{{.Name}}", "--vram", "48"],
  ]
  winrm_insecure = true
  winrm_password = var.winrm_password
  winrm_timeout  = "6h"
  winrm_use_ssl  = true
  winrm_username = "vagrant"
}

# windows-2019/vmware-iso
source "vmware-iso" "windows-2019" {
  boot_wait    = "2m"
  communicator = "winrm"
  disk_size    = 61440
  floppy_files = [
    "answer_files/2019/Autounattend.xml",
    "scripts/enable-winrm.ps1",
    "scripts/fixnetwork.ps1",
  ]
  guest_os_type    = "windows9srv-64"
  headless         = true
  iso_checksum     = "sha256:549bca46c055157291be6c22a3aaaed8330e78ef4382c99ee82c896426a1cee1"
  iso_url          = var.iso_url
  shutdown_command = "shutdown /s /t 10 /f /d p:4:1 /c \"Packer Shutdown\""
  version          = 15
  vmx_data = {
    "RemoteDisplay.vnc.enabled" = "false"
    memsize                     = "2048"
    numvcpus                    = "2"
  }
  winrm_insecure = true
  winrm_password = var.winrm_password
  winrm_timeout  = "6h"
  winrm_use_ssl  = true
  winrm_username = "vagrant"
}

# windows-2019
build {
  name    = "windows-2019"
  sources = ["source.virtualbox-iso.windows-2019", "source.vmware-iso.windows-2019"]

  # windows-2019/file
  provisioner "file" {
    destination = "C:\\Windows\\Temp\\setup.ini"
    source      = "files/setup.ini"
  }

  # windows-2019/windows-shell
  provisioner "windows-shell" {
    execute_command = "{{ .Vars }} cmd /c \"{{ .Path }}\""
    remote_path     = "/tmp/script.bat"
    scripts         = ["scripts/vm-guest-tools.bat", "scripts/enable-rdp.bat"]
  }

  # windows-2019/powershell
  provisioner "powershell" {
    max_retries = 2

    elevated_password = var.winrm_password
    elevated_user     = "vagrant"
    inline = [
      "Set-ExecutionPolicy -Scope Process Bypass -Force",
      "Install-WindowsFeature -Name 'Web-Server' | Out-Null",
      "if ($LASTEXITCODE -ne 0) { exit $${env:EXIT} }",
    ]
  }

  # windows-2019/windows-restart
  provisioner "windows-restart" {
    restart_check_command = "powershell -command \"& {Write-Output 'restarted.'}\""
    restart_timeout       = "30m"
  }

  # windows-2019/vagrant
  post-processor "vagrant" {
    keep_input_artifact = false

    output               = "windows_2019_{{.Provider}}.box"
    vagrantfile_template = "vagrantfile-windows.template"
  }
}
