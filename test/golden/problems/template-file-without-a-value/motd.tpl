echo ${name} ${version}
