module mine

go 1.26.0

require suspect v0.0.0

replace suspect => ../../..
