package spec

// Roles of files.
const (
	RoleTasks = "tasks"
	RoleEval  = "eval"
)

// File is a data set that a spec refers to.
type File struct {
	Role string // RoleTasks or RoleEval
	Path string // as the spec has it: relative paths start at the spec's folder
}

// Files lists the data sets to upload at submit, tasks first. An evaluation on
// the training tasks adds a second file with the same path.
func Files(s *Spec) []File {
	files := []File{{RoleTasks, s.Tasks.Data}}
	if s.Eval != nil {
		files = append(files, File{RoleEval, s.Eval.Data})
	}
	return files
}
