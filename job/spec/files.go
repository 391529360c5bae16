package spec

// Roles of files.
const (
	RoleTasks = "tasks"
	RoleEval  = "eval"
	// RoleThreads is the list of the fates of an offline job's threads.
	RoleThreads = "threads"
)

// File is a data set that a spec refers to.
type File struct {
	Role string // RoleTasks or RoleEval
	Path string // as the spec has it: relative paths start at the spec's folder
}

// Files lists the data sets to upload at submit, tasks first. An evaluation on
// the training tasks adds a second file with the same path. Those of an offline
// job are made of its traces: Path is where these are.
func Files(s *Spec) []File {
	if o := s.Traces.Offline; o != nil {
		made := []File{{RoleTasks, o.Source}, {RoleThreads, o.Source}}
		if o.HeldOut > 0 {
			made = append(made, File{RoleEval, o.Source})
		}
		return made
	}
	files := []File{{RoleTasks, s.Tasks.Data}}
	if s.Eval != nil {
		files = append(files, File{RoleEval, s.Eval.Data})
	}
	return files
}
